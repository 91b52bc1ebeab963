import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  rmSync,
  writeSync,
} from "node:fs";

/** One stretch of a log, in a file or in memory. Appended to at the end, read anywhere. */
export interface Segment {
  /** Offset of its first byte in the whole log. */
  readonly base: number;
  readonly bytes: number;
  append(chunk: Buffer): void;
  /** Up to `bytes` bytes from `at` (within the segment); fewer at its end. */
  read(at: number, bytes: number): Buffer;
  truncate(bytes: number): void;
  /** To the disk, before it returns. */
  sync(): void;
  /** To the disk, in the background. */
  syncSoon(): void;
  close(): void;
  remove(): void;
}

export function openFileSegment(path: string, base: number): Segment {
  const fd = openSync(path, "a+", 0o600);
  let size = fstatSync(fd).size;
  let isOpen = true;
  const close = () => {
    if (isOpen) closeSync(fd);
    isOpen = false;
  };
  return {
    base,
    get bytes() {
      return size;
    },
    append: (chunk) => {
      try {
        for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at, chunk.length - at);
      } catch (error) {
        ftruncateSync(fd, size);
        throw error;
      }
      size += chunk.length;
    },
    read: (at, bytes) => {
      const wanted = Math.max(0, Math.min(bytes, size - at));
      const block = Buffer.allocUnsafe(wanted);
      let done = 0;
      while (done < wanted) {
        const read = readSync(fd, block, done, wanted - done, at + done);
        if (read === 0) break;
        done += read;
      }
      return block.subarray(0, done);
    },
    truncate: (bytes) => {
      ftruncateSync(fd, bytes);
      size = bytes;
    },
    sync: () => {
      if (isOpen) fdatasyncSync(fd);
    },
    // A segment that is closed meanwhile was synchronised by whoever closed it.
    syncSoon: () => {
      if (isOpen) fdatasync(fd, () => {});
    },
    close,
    remove: () => {
      close();
      rmSync(path, { force: true });
    },
  };
}

export function openMemorySegment(base: number): Segment {
  let block = Buffer.alloc(64 * 1024);
  let size = 0;
  return {
    base,
    get bytes() {
      return size;
    },
    append: (chunk) => {
      if (size + chunk.length > block.length) {
        const grown = Buffer.alloc(Math.max(block.length * 2, size + chunk.length));
        block.copy(grown, 0, 0, size);
        block = grown;
      }
      chunk.copy(block, size);
      size += chunk.length;
    },
    read: (at, bytes) => Buffer.from(block.subarray(at, Math.min(size, at + bytes))),
    truncate: (bytes) => {
      size = bytes;
    },
    sync: () => {},
    syncSoon: () => {},
    close: () => {},
    remove: () => {
      block = Buffer.alloc(0);
      size = 0;
    },
  };
}
