/** The counters of a server as frozen functions. */
import type { CheetahReaders } from "./counters.ts";
import type { Services } from "./services.ts";

/** Readers over what `services` count. */
export function makeReaders(services: Services): CheetahReaders {
  const { cache, counters, heads, log, memo, site, slots, sums } = services;
  return Object.freeze({
    accepted: () => counters.accepted,
    refused: () => counters.refused,
    open: () => counters.open,
    requests: () => counters.requests,
    requestsRemembered: () => memo?.counters.found ?? 0,
    requestBytesRemembered: () => memo?.counters.foundBytes ?? 0,
    headsMade: () => heads.counters.made,
    headsPatched: () => heads.counters.patched,
    responses: (status) => counters.responses[status] ?? 0,
    bodyBytes: () => counters.bodyBytes,
    timeouts: () => counters.timeouts,
    stalls: () => counters.stalls,
    displaced: () => counters.displaced,
    cacheHits: () => cache.counters.hits,
    cacheMisses: () => cache.counters.misses,
    cacheEvictions: () => cache.counters.evictions,
    cacheReadAhead: () => cache.counters.readAhead,
    cacheFailures: () => cache.counters.failures,
    cacheGivenBack: () => cache.counters.givenBack,
    sumBytesKnown: () => sums?.counters.known ?? 0,
    sumBytesRead: () => sums?.counters.read ?? 0,
    chunks: () => cache.chunks,
    chunksIdle: () => cache.idle,
    slots: () => slots.count,
    slotsFree: () => slots.free,
    blocksFree: () => site.map.free,
    files: () => site.index?.size ?? 0,
    generation: () => site.superblock?.generation ?? 0,
    logDropped: () => log?.dropped ?? 0,
  } satisfies CheetahReaders);
}
