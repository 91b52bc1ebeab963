/*
 * Counts the agent's instructions on a QEMU machine and prints them as lines "name value". The
 * timer ticks once in TICK_INSTRUCTIONS instructions (-icount shift=0), so what is short is counted
 * over many rounds that begin at different phases of a tick.
 *
 * The stimulus: TCP packets of FLOWS known flows, each once per round.
 */
#include <stddef.h>
#include <string.h>

#include "bench.h"
#include "fault.h"
#include "picket.h"
#include "timer.h"
#include "uart.h"
#include "usage.h"

#define FLOWS 32u
#define FLOWS_COLLECTED 64u
#define ROUNDS 400u
#define COLLECTIONS 20u
#define PACKET_BYTES 100u
#define MESSAGE_BYTES 4096u
#define HIGH 0u
#define LOW 1u

static struct {
  uint32_t now_ms;
  uint32_t head_bytes; /* of each packet that the stack has in one piece */
  uint32_t id;
  uint32_t message_bytes;
  uint32_t sent_bytes; /* of the last message that is complete */
  uint32_t messages;
  uint8_t message[MESSAGE_BYTES];
  uint8_t packets[2][FLOWS_COLLECTED][PACKET_BYTES]; /* out, in */
} bench;

static void print(const char *text) {
  while (*text != '\0') uart_write((uint8_t)*text++);
}

static void print_value(const char *name, uint32_t value) {
  char digits[11];
  char *at = digits + sizeof digits - 1;
  *at = '\0';
  do {
    *--at = (char)('0' + value % 10u);
    value /= 10u;
  } while (value > 0u);
  print(name);
  print(" ");
  print(at);
  print("\n");
}

__attribute__((noreturn)) static void stop(const char *why) {
  print("failed ");
  print(*why == '\0' ? "?" : why);
  print("\n");
  for (;;) {
  }
}

void fault_report(uint32_t program_counter, uint32_t status) {
  print_value("failed fault", program_counter);
  print_value("status", status);
}

/* The port: a hub that copies the message, as the replaced agent was measured with. */

static int32_t publish(void *context, uint32_t id, const uint8_t *data, uint32_t bytes, bool more) {
  (void)context;
  if (bytes > MESSAGE_BYTES - bench.message_bytes) return PICKET_E_BUSY;
  memcpy(bench.message + bench.message_bytes, data, bytes);
  bench.message_bytes += bytes;
  if (more) return PICKET_OK;
  bench.id = id;
  bench.sent_bytes = bench.message_bytes;
  bench.message_bytes = 0;
  bench.messages += 1u;
  return PICKET_OK;
}

static uint32_t monotonic_ms(void *context) {
  (void)context;
  return bench.now_ms;
}

static uint32_t entropy(void *context) {
  (void)context;
  return 1u;
}

static void wake(void *context) { (void)context; }

static const picket_port_t port = {
    .publish = publish, .monotonic_ms = monotonic_ms, .entropy = entropy, .wake = wake};

static void nothing(uint32_t direction, const void *packet, uint32_t head, uint32_t bytes) {
  (void)direction;
  (void)packet;
  (void)head;
  (void)bytes;
}

typedef void (*packet_t)(uint32_t, const void *, uint32_t, uint32_t);
/* Called through a pointer, as the network stack does. */
static volatile packet_t on_packet = picket_packet;

static void make_packet(uint8_t *packet, const uint8_t ends[2][6]) {
  static const uint8_t head[12] = {0x45, 0, 0, PACKET_BYTES, 0, 0, 0x40, 0, 64, 6};
  memcpy(packet, head, sizeof head);
  memcpy(packet + 12, ends[0], 4);
  memcpy(packet + 16, ends[1], 4);
  memcpy(packet + 20, ends[0] + 4, 2);
  memcpy(packet + 22, ends[1] + 4, 2);
  packet[32] = 0x80; /* data offset 8 */
  packet[33] = 0x10; /* ACK */
}

/* IPv4 and TCP with 12 bytes of options (time stamps) and 48 of data: one device, eight peers. */
static void make_packets(void) {
  for (uint32_t i = 0; i < FLOWS_COLLECTED; i++) {
    const uint8_t local[6] = {10, 0, 0, 2, 0xc0, (uint8_t)i};
    const uint8_t remote[6] = {10, 0, 0, (uint8_t)(9u + i % 8u), 0x22, 0xb3};
    uint8_t ends[2][6];
    memcpy(ends[0], local, sizeof local);
    memcpy(ends[1], remote, sizeof remote);
    make_packet(bench.packets[PICKET_OUT][i], ends);
    memcpy(ends[0], remote, sizeof remote);
    memcpy(ends[1], local, sizeof local);
    make_packet(bench.packets[PICKET_IN][i], ends);
  }
}

static void check_result(int32_t result) {
  if (result < 0) stop(picket_trouble());
}

static void offer(packet_t function, uint32_t direction, uint32_t first, uint32_t count) {
  on_packet = function;
  for (uint32_t i = first; i < first + count; i++) {
    on_packet(direction, bench.packets[direction][i], bench.head_bytes, PACKET_BYTES);
  }
}

/* Rounds do not begin with a tick of the timer. */
static void shift_phase(uint32_t round) {
  for (uint32_t i = 0; i < round % TICK_INSTRUCTIONS; i++) __asm__ volatile("nop");
}

/* Instructions for a packet, in hundredths. */
static uint32_t hundredths(uint32_t ticks) {
  return (uint32_t)((uint64_t)ticks * TICK_INSTRUCTIONS * 100u / (FLOWS * ROUNDS));
}

static void count_packets(const char *name, packet_t function, uint32_t direction) {
  uint32_t ticks = 0;
  for (uint32_t round = 0; round < ROUNDS; round++) {
    shift_phase(round);
    const uint32_t before = timer_ticks();
    offer(function, direction, 0, FLOWS);
    ticks += timer_ticks() - before;
    check_result(picket_poll());
  }
  print_value(name, hundredths(ticks));
}

static void count_all_work(const char *name, uint32_t direction) {
  const uint32_t before = timer_ticks();
  for (uint32_t round = 0; round < ROUNDS; round++) {
    offer(picket_packet, direction, 0, FLOWS);
    check_result(picket_poll());
  }
  print_value(name, hundredths(timer_ticks() - before));
}

/* Polls until nothing waits any more; everything is acknowledged at once. */
static void settle(void) {
  for (uint32_t i = 0; i < 16u; i++) {
    const uint32_t before = bench.messages;
    check_result(picket_poll());
    if (bench.messages == before) return;
    picket_acknowledge(bench.id, true);
  }
  stop("messages do not end");
}

/* Ends an interval with `flows` flows; instructions from its end until the message is handed over. */
static uint32_t collect(uint32_t priority, uint32_t flows) {
  for (uint32_t i = 0; i < flows; i += FLOWS) {
    offer(picket_packet, PICKET_OUT, i, flows - i < FLOWS ? flows - i : FLOWS);
    check_result(picket_poll());
  }
  const uint32_t messages = bench.messages;
  const uint32_t before = timer_ticks();
  check_result(picket_flush(priority));
  check_result(picket_poll());
  const uint32_t ticks = timer_ticks() - before;
  if (bench.messages != messages + 1u) stop("a collection is not one message");
  picket_acknowledge(bench.id, true);
  settle();
  return ticks;
}

static void count_collections(void) {
  uint32_t ticks = 0;
  for (uint32_t i = 0; i < COLLECTIONS; i++) {
    shift_phase(i * 7u);
    ticks += collect(HIGH, FLOWS_COLLECTED);
  }
  print_value("collect64", ticks * TICK_INSTRUCTIONS / COLLECTIONS);
  print_value("bytes64", bench.sent_bytes);
  collect(HIGH, 1);
  print_value("bytes1", bench.sent_bytes);
}

/* Everything that counts. */
static void count_all(void) {
  collect(LOW, 0);
  print_value("bytesHeartbeat", bench.sent_bytes);
  offer(picket_packet, PICKET_OUT, 0, FLOWS);
  check_result(picket_poll());
  count_packets("loop", nothing, PICKET_OUT);
  count_packets("packetOut", picket_packet, PICKET_OUT);
  count_packets("packetIn", picket_packet, PICKET_IN);
  bench.head_bytes = 40u;
  count_packets("packet40", picket_packet, PICKET_OUT);
  bench.head_bytes = 52u;
  count_packets("packet52", picket_packet, PICKET_OUT);
  bench.head_bytes = PACKET_BYTES;
  count_all_work("allOut", PICKET_OUT);
  count_all_work("allIn", PICKET_IN);
  count_collections();
}

/* A document that is read to its end; a core without a twin takes no notice. */
static void use_twin(void) {
  static const char document[] =
      "{\"desired\":{\"ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration\":{"
      "\"highPriorityMessageFrequency\":{\"value\":\"PT1H\"},"
      "\"eventPriorityHeartbeat\":{\"value\":\"High\"}}},\"other\":[1,{\"a\":null}]}";
  check_result(picket_twin_begin(false));
  check_result(picket_twin_chunk(document, sizeof document - 1u));
  check_result(picket_twin_end());
}

/* Cores of any options: only memory is looked at, messages may be of any size. */
static void use_all(void) {
  for (uint32_t direction = 0; direction < 2u; direction++) {
    offer(picket_packet, direction, 0, 4);
    check_result(picket_poll());
  }
  use_twin();
  check_result(picket_flush(HIGH));
  check_result(picket_flush(LOW));
  for (uint32_t i = 0; i < 4u; i++) {
    check_result(picket_poll());
    picket_acknowledge(bench.id, true);
  }
}

int main(void) {
  const picket_setup_t setup = {.agent_id = {1, 2, 3, 4, 5, 6, 7, 8},
                                .high_interval_s = 86400,
                                .low_interval_s = 86400,
                                .snapshot_interval_s = 86400,
                                .module = BENCH_MODULE};
  stack_paint();
  uart_open();
  timer_open();
  make_packets();
  bench.head_bytes = PACKET_BYTES;
  check_result(picket_init(&port, &setup));
  settle();
  print_value("stackStart", stack_high_bytes());
  print_value("heapStarted", heap_high_bytes());
#ifdef BENCH_MEMORY
  use_all();
  (void)count_all;
#else
  count_all();
  (void)use_all;
#endif
  print_value("stack", stack_high_bytes());
  print_value("heap", heap_high_bytes());
#ifdef BENCH_WASM3
  const char *const error = bench_compile_all();
  if (error != NULL) stop(error);
#endif
  print_value("heapAll", heap_high_bytes());
  print("end\n");
  for (;;) {
  }
}
