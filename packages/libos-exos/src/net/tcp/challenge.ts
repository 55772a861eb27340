// Heads up! Read RFC 5961 section 7 before editing this file.
/** Challenge ACKs: an ACK that lets the true peer set things right. */
import type { ControlBlock } from "./control-block.ts";
import type { TcpCore } from "./core.ts";
import { acknowledgeAtOnce } from "./output.ts";

/**
 * Answers what only a stranger, or a peer that is behind, would say; now and then only.
 *
 * Each connection has a limit of its own. One for all of them would tell a
 * stranger, by what is left of it for his own connection, how much he used up of
 * it on somebody else's (CVE-2016-5696).
 */
export function challenge(core: TcpCore, block: ControlBlock): void {
  if (core.now - block.challengedAt < core.durations.challenge) {
    core.counters.rateLimited += 1;
    return;
  }
  block.challengedAt = core.now;
  core.counters.challenges += 1;
  acknowledgeAtOnce(core, block);
}
