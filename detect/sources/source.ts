/** Where security messages come from; a hub's telemetry listener is one without this interface. */
export interface Source {
  readonly name: string;
  /** What is wrong, one line; null: nothing. */
  status(): string | null;
  close(): Promise<void>;
}
