/**
 * The gateway: lets a host without privileges reach a service inside.
 *
 * An environment on a second, small machine at the far end of the virtual wire
 * accepts the host's connections on a stream device and carries each over TCP.
 *
 * @packageDocumentation
 */
export * from "./gateway.ts";
export * from "./relay.ts";
export * from "./program.ts";
