/** The core's boundary for what stands on the host, such as simulators of its engine and flash. */
export * from "../assembly/abi.ts";
