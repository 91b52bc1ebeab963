/** What a user asked for does not exist or does not fit: one line, what, where and what to do. */
export class BoardError extends Error {
  override readonly name = "BoardError";
}
