/** A refusal with the documented IoT Hub code; REST and MQTT both answer from it. */
export class HubError extends Error {
  override readonly name = "HubError";
  /** HTTP status. */
  readonly status: number;
  /** Six digits, for example 404001. */
  readonly code: number;
  /** For example `DeviceNotFound`; the header `iothub-errorcode`. */
  readonly symbol: string;

  constructor(status: number, code: number, symbol: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
    this.symbol = symbol;
  }
}

/** Shorthands for the refusals used in more than one place. */
export const refuse = {
  argument: (message: string): HubError => new HubError(400, 400004, "ArgumentInvalid", message),
  unauthorized: (message: string): HubError =>
    new HubError(401, 401002, "IotHubUnauthorizedAccess", message),
  deviceNotFound: (deviceId: string): HubError =>
    new HubError(404, 404001, "DeviceNotFound", `Device ${deviceId} not registered`),
  moduleNotFound: (deviceId: string, moduleId: string): HubError =>
    new HubError(404, 404010, "ModuleNotFound", `Module ${moduleId} of ${deviceId} not registered`),
  etag: (): HubError =>
    new HubError(412, 412001, "PreconditionFailed", "Precondition failed: etag does not match"),
  tooLarge: (message: string): HubError => new HubError(413, 413001, "MessageTooLarge", message),
} as const;
