/** Lines that scroll above a block that stays, on a terminal; plain lines elsewhere. */

export interface Screen {
  /** A line that stays. */
  line(text: string): void;
  /** Replaces the block at the bottom; shown on terminals only. */
  block(text: string): void;
  /** Leaves the block where it is. */
  end(): void;
}

const UP = (lines: number) => `\u001b[${lines}A`;
const CLEAR_BELOW = "\r\u001b[J";

export function createScreen(stream: NodeJS.WriteStream): Screen {
  let shown = "";
  const height = () => shown.split("\n").length - 1;
  const erase = () => (shown === "" ? "" : UP(height()) + CLEAR_BELOW);

  return {
    line(text) {
      if (!stream.isTTY) stream.write(`${text}\n`);
      else stream.write(`${erase()}${text}\n${shown}`);
    },
    block(text) {
      if (!stream.isTTY || text === shown) return;
      stream.write(`${erase()}${text}`);
      shown = text;
    },
    end() {
      shown = "";
    },
  };
}
