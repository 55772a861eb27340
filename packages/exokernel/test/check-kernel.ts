/** What must hold inside the kernel after every call. */
import { spaceBytes, tableBytes } from "@exolith/hw-model";
import { RIGHTS } from "@exolith/secure-bind";
import type { Guard } from "../src/capability/guard.ts";
import { STALE, holderOf } from "../src/disk/block-holders.ts";
import type { Environment } from "../src/environment/environment.ts";
import type { Kernel, Rows } from "../src/kernel.ts";
import { BoundWindow } from "../src/memory/bound-window.ts";
import { checkFrameTable } from "../src/memory/frame-table.ts";
import { ENTRY, frameIn, has } from "../src/translation/page-entry.ts";
import {
  DMA_COPIES,
  EXPIRED_NAMES,
  FRAME_BYTES,
  GUARANTEED_FRAMES,
  GUARD_ENTRIES,
  KERNEL,
  NEVER,
  PREDICATE_FRAMES,
  REPOSSESSIONS,
  RESOURCE_KINDS,
  SYSTEM_WORDS,
  rowOf,
} from "../src/abi/index.ts";

function expectThat(holds: boolean, what: string): void {
  if (!holds) throw new Error(`invariant: ${what}`);
}

/** Throws unless every invariant of the kernel's tables holds. Between steps: no upcall may be running. */
export function checkKernel(kernel: Kernel): void {
  checkFrameTable(kernel.frames);
  checkBindings(kernel);
  checkPins(kernel);
  checkCounts(kernel);
  checkOwners(kernel);
  checkHandlers(kernel);
  checkSpaces(kernel);
  checkGuards(kernel);
  checkExtents(kernel);
  checkTransfers(kernel);
  checkRevocations(kernel);
  checkAddressSpaces(kernel);
  checkDma(kernel);
  checkWords(kernel);
  checkDisplays(kernel);
  expectThat(kernel.seals.expired.length <= EXPIRED_NAMES, "names expired");
  for (const table of tables(kernel)) checkRows(table);
}

/** Every table of rows with ids. */
export const tables = (kernel: Kernel): readonly Rows<unknown>[] => [
  kernel.environments,
  kernel.rings,
  kernel.filters,
  kernel.handlers,
  kernel.transmits,
  kernel.extents,
  kernel.streams,
  kernel.regions,
  kernel.messageRings,
  kernel.programs,
];

const alive = ({ environments }: Kernel): Environment[] =>
  environments.rows.filter((environment) => environment !== undefined);

/** Of free rows every eighth is looked at, others the next time: a table may have very many. */
const TURNS = 8;
let turn = 0;

function checkRows({ ids, rows }: Rows<unknown>): void {
  let taken = 0;
  turn = (turn + 1) % TURNS;
  for (let row = 0; row < rows.length; row++) {
    const isTaken = rows[row] !== undefined;
    if (isTaken) taken += 1;
    else if (row % TURNS !== turn) continue;
    if (isTaken !== (ids.rowOf(ids.idOf(row)) === row)) expectThat(false, `row ${row} and its id disagree`);
  }
  expectThat(taken === ids.taken(), "rows taken");
}

/** Bindings are the live windows. */
function checkBindings({ frames, windows, environments }: Kernel): void {
  const counted = new Uint32Array(frames.count);
  for (const window of windows) {
    const binding = BoundWindow.bindingOf(window);
    expectThat(binding !== undefined, "a dead window is kept");
    if (binding === undefined) continue;
    expectThat(environments.rows[binding.owner]?.alive === true, "a window of the dead");
    for (let f = binding.first; f < binding.first + binding.count; f++) counted[f] = (counted[f] ?? 0) + 1;
  }
  for (let f = 0; f < frames.count; f++)
    expectThat(counted[f] === frames.bindings[f], `bindings of frame ${f}`);
}

/** What is in the rows of a table that are taken, with its row. Tables are large, and mostly empty. */
function heldRows<T>({ rows, ids }: Rows<T>): (readonly [row: number, held: T])[] {
  const held: (readonly [number, T])[] = [];
  if (ids.taken() === 0) return held;
  for (let row = 0; row < rows.length; row++) {
    const each = rows[row];
    if (each !== undefined) held.push([row, each]);
  }
  return held;
}

/** Guards that are some resource's. */
function guards(kernel: Kernel): Guard[] {
  const { frames, slices, environments, filters, transmits, extents, regions, messageRings } = kernel;
  const found: Guard[] = [];
  for (const guard of frames.guards) if (guard !== undefined) found.push(guard);
  for (const guard of slices.guards) if (guard !== undefined) found.push(guard);
  const guarded: readonly Rows<{ guard: Guard }>[] = [
    environments,
    filters,
    transmits,
    extents,
    regions,
    messageRings,
  ];
  for (const table of guarded) for (const [, { guard }] of heldRows(table)) found.push(guard);
  return found;
}

/**
 * Pins are the rings of both kinds, handlers, programs, disk transfers, frames on their way to
 * their backing, guards' lists, predicates, and the frames that are the kernel's own.
 */
function checkPins(kernel: Kernel): void {
  const { frames, rings, messageRings, handlers, programs, transfers, revocations, systemFrame } = kernel;
  const counted = new Uint32Array(frames.count);
  const pin = (first: number, count: number): void => {
    for (let f = first; f < first + count; f++) counted[f] = (counted[f] ?? 0) + 1;
  };
  for (const table of [rings, messageRings, handlers] as readonly Rows<{ first: number; frames: number }>[])
    for (const [, { first, frames: count }] of heldRows(table)) pin(first, count);
  for (const [, { context, segment }] of heldRows(programs))
    for (const { first, count } of [context, segment]) pin(first, count);
  for (const transfer of transfers.values()) {
    pin(transfer.firstFrame, transfer.frames);
    if (transfer.statusFrame >= 0) pin(transfer.statusFrame, 1);
  }
  for (const save of revocations.queued) pin(save.frame, 1);
  for (const guard of guards(kernel)) if (guard.list >= 0) pin(guard.list, 1);
  for (const { predicate } of alive(kernel)) for (const f of predicate?.frames ?? []) pin(f, 1);
  pin(systemFrame, frames.count - systemFrame);
  for (let f = 0; f < frames.count; f++)
    expectThat(counted[f] === frames.pins[f], `pins of frame ${f}: ${frames.pins[f]}, counted ${counted[f]}`);
}

/** How often each value occurs. */
function tally(values: Iterable<number>): Map<number, number> {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

/** What each environment is said to hold is what it holds. */
function checkCounts(kernel: Kernel): void {
  const { frames, slices, regions, windows } = kernel;
  const held = tally(frames.owner);
  const positions = tally(slices.owner);
  const made = tally(regions.rows.flatMap((region) => (region === undefined ? [] : [region.owner.id])));
  const onFrames = tally(regions.rows.flatMap((region) => (region === undefined ? [] : [region.frame])));
  const kept = tally(frames.owner.filter((_, f) => frames.guaranteed[f] === 1));
  let bound = 0;
  for (const environment of alive(kernel)) {
    const { id, row, revocation, predicate } = environment;
    const count = (of: Map<number, number>): number => of.get(id) ?? 0;
    expectThat(count(held) === environment.frames, `frames of ${row}`);
    expectThat(count(positions) === environment.slices, `slices of ${row}`);
    expectThat(count(made) === environment.regions, `regions of ${row}`);
    expectThat(count(kept) === revocation.guaranteed, `frames guaranteed to ${row}`);
    expectThat(revocation.guaranteed <= GUARANTEED_FRAMES, `too many frames guaranteed to ${row}`);
    expectThat(environment.slicesBegun === environment.slicesEnded, `slices begun by ${row}`);
    expectThat(
      new Set(predicate?.frames).size === (predicate?.frames.length ?? 0),
      `a frame twice by ${row}`,
    );
    expectThat((predicate?.frames.length ?? 0) <= PREDICATE_FRAMES, `predicate of ${row}`);
    bound += windows.countOf(row);
  }
  expectThat(bound === windows.size, "windows by owner");
  for (let f = 0; f < frames.count; f++)
    expectThat((onFrames.get(f) ?? 0) === frames.regions[f], `regions on frame ${f}`);
}

/** Whoever holds something is alive, but for a frame or an extent that a device still uses; the kernel has its own. */
function checkOwners(kernel: Kernel): void {
  const { frames, slices, environments, systemFrame } = kernel;
  const isAlive = (id: number): boolean => environments.rows[id & 0xffff]?.id === id;
  for (let f = 0; f < frames.count; f++) {
    const owner = frames.owner[f] ?? 0;
    const isLeft = frames.orphan[f] === 1 && (frames.pins[f] ?? 0) > 0 && frames.guaranteed[f] === 0;
    if (f >= systemFrame) expectThat(owner === KERNEL, `owner of the kernel's own frame ${f}`);
    else if (owner === KERNEL) expectThat(isLeft, `frame ${f} was taken back and is not free`);
    else if (owner !== 0) expectThat(frames.orphan[f] === 0 && isAlive(owner), `owner of frame ${f}`);
  }
  for (const [i, owner] of slices.owner.entries()) {
    expectThat(owner === 0 || isAlive(owner), `owner of slice ${i}`);
    expectThat((owner === 0) === (slices.guards[i] === undefined), `guard of slice ${i}`);
  }
  for (const { offer } of alive(kernel))
    expectThat(offer === undefined || isAlive(offer.to), "an offer to the dead");
  checkRowOwners(kernel);
}

function checkRowOwners(kernel: Kernel): void {
  const { rings, filters, handlers, programs, transmits, streams, regions, messageRings } = kernel;
  const living = (what: string, one: Environment): void =>
    expectThat(one.alive && kernel.environments.rows[one.row] === one, `a ${what} of the dead`);
  const owned: readonly (readonly [string, Rows<{ readonly owner: Environment }>])[] = [
    ["ring", rings],
    ["filter", filters],
    ["handler", handlers],
    ["program", programs],
    ["transmit binding", transmits],
    ["stream", streams],
    ["region", regions],
    ["message ring", messageRings],
  ];
  for (const [what, table] of owned) for (const [, { owner }] of heldRows(table)) living(what, owner);
  for (const [, { user }] of heldRows(transmits)) living("user's transmit binding", user);
  for (const asked of kernel.acceptors) for (const acceptor of asked) living("stream device", acceptor);
}

/** A handler and its filter name each other, and have one owner. */
function checkHandlers({ handlers, filters }: Kernel): void {
  for (const [row, held] of heldRows(handlers)) {
    const filter = filters.rows[filters.ids.rowOf(held.filterId)];
    expectThat(filter === held.filter && filter.handler === row, `the filter of handler ${row}`);
    expectThat(filter?.owner === held.owner, `the owner of the filter of handler ${row}`);
  }
  for (const [row, { handler }] of heldRows(filters))
    expectThat(handler === undefined || handlers.rows[handler] !== undefined, `the handler of filter ${row}`);
}

const GROUP = 1024;

/** The bytes of the arena that no address space has. */
function checkFreeArena({ machine: { memory }, spaces }: Kernel): void {
  const taken = spaces.rows.filter((space) => space !== undefined).toSorted((a, b) => a.base - b.base);
  let at = memory.frames * FRAME_BYTES;
  for (const { base, bits } of taken) {
    expectThat(base >= at, "address spaces overlap");
    at = base + spaceBytes(bits);
  }
  expectThat(at <= memory.bytes.length, "an address space outside the arena");
}

/** What is in the software translation buffer is bound, and has the entry that is there. */
function checkSoftwareBuffer({ machine: { memory }, softwareBuffer, spaces }: Kernel): void {
  if (softwareBuffer === 0) return;
  for (let at = 0; at < 4096; at++) {
    const tag = memory.view.getUint32(softwareBuffer * FRAME_BYTES + at * 8);
    if (tag === 0) continue;
    const [row, page] = [(tag & 0xfff) - 1, tag >>> 12];
    const entry = spaces.rows[row]?.entries[page] ?? 0;
    expectThat(has(entry, ENTRY.present) && (page ^ (row << 6)) % 4096 === at, `place ${at} of the buffer`);
    const shown = memory.view.getUint32(softwareBuffer * FRAME_BYTES + at * 8 + 4);
    expectThat(shown === entry, `the entry in place ${at} of the buffer`);
  }
}

/** Tables, lists and counts say the same: what is bound, to which frame, and how often that is. */
function checkSpaces(kernel: Kernel): void {
  const { spaces, frames, environments, programs } = kernel;
  const { view } = kernel.machine.memory;
  const counted = new Uint32Array(frames.count);
  let listed = 0;
  for (const list of [spaces.small, spaces.large])
    for (const first of list)
      for (let link = first; link !== 0; listed++) {
        const space = spaces.rows[(link - 1) >>> 20];
        const next = space?.next[(link - 1) & 0xf_ffff] ?? 0;
        const other = spaces.rows[(next - 1) >>> 20];
        if (next !== 0) expectThat(other?.previous[(next - 1) & 0xf_ffff] === link, "the way back in a list");
        link = next;
      }
  let bound = 0;
  for (const [row, space] of spaces.rows.entries()) {
    if (space === undefined) continue;
    const { base, bits, count } = space;
    expectThat(environments.rows[row]?.alive === true, "an address space of the dead");
    let found = 0;
    for (let page = 0; page < space.entries.length; page++) {
      if (space.used[Math.floor(page / GROUP)] === 0) {
        page += GROUP - 1;
        continue;
      }
      const read = view.getUint32(base + page * 4, true);
      const write = view.getUint32(base + tableBytes(bits) + page * 4, true);
      const entry = space.entries[page] ?? 0;
      const isBound = has(entry, ENTRY.present);
      const first = frameIn(entry);
      const mayRead = isBound && has(entry, ENTRY.accessed);
      expectThat(read === 0 || (mayRead && read === first * FRAME_BYTES), `the entry of page ${page}`);
      const mayWrite = has(entry, ENTRY.writable) && has(entry, ENTRY.mayWrite) && has(entry, ENTRY.dirty);
      expectThat(write === 0 || (write === read && mayWrite), `the right to write page ${page}`);
      if (!isBound) continue;
      found += 1;
      for (let f = first; f < first + 2 ** bits / FRAME_BYTES; f++) counted[f] = (counted[f] ?? 0) + 1;
    }
    expectThat(found === count, `translations of ${row}`);
    const running = heldRows(programs).filter(([, held]) => held.space === space).length;
    expectThat(running === space.programs, `programs in the address space of ${row}`);
    bound += count;
  }
  expectThat(bound === listed, "translations in lists");
  checkSoftwareBuffer(kernel);
  for (let f = 0; f < frames.count; f++)
    expectThat(counted[f] === frames.translations[f], `translations of frame ${f}`);
  checkFreeArena(kernel);
}

/** Entry 0 can control the resource, and a list is there exactly when it has records. */
function checkGuards(kernel: Kernel): void {
  for (const { entries, list, records } of guards(kernel)) {
    const hasOwner =
      entries[0]?.rights === RIGHTS.all || kernel.frames.guards[kernel.systemFrame]?.entries === entries;
    expectThat(hasOwner && entries.length <= GUARD_ENTRIES, "the entries of a guard");
    expectThat(list >= 0 === records > 0, "the list of a guard");
    expectThat(list < 0 || kernel.frames.owner[list] !== 0, "the list of a guard is on a free frame");
  }
}

function checkExtents({ extents, transfers, blocks }: Kernel): void {
  const counted = tally([...transfers.values()].map(({ extentRow }) => extentRow));
  const stale = (disk: number, first: number, count: number): number => {
    const holders = blocks[disk];
    let sum = 0;
    if (holders !== undefined && holders.pages.size > 0)
      for (let block = first; block < first + count; block++)
        if (holderOf(holders, block) === STALE) sum += 1;
    return sum;
  };
  const held = extents.rows.flatMap((extent, row) => (extent === undefined ? [] : [{ extent, row }]));
  for (const { extent, row } of held) {
    expectThat(extent.transfers === (counted.get(row) ?? 0), `transfers of extent ${row}`);
    expectThat(extent.orphan ? extent.transfers > 0 : extent.owner.alive, `owner of extent ${row}`);
    const shown = stale(extent.disk, extent.first, extent.blocks);
    expectThat(extent.orphan || extent.stale === shown, `blocks of extent ${row}`);
  }
  const sorted = held.toSorted((a, b) => a.extent.disk - b.extent.disk || a.extent.first - b.extent.first);
  for (const [i, { extent, row }] of sorted.entries()) {
    const before = sorted[i - 1]?.extent;
    const isApart = before?.disk !== extent.disk || before.first + before.blocks <= extent.first;
    expectThat(isApart, `extent ${row} overlaps another`);
  }
}

/** Nobody is in a transfer; who is kept and who keeps agree, and following it ends. */
function checkTransfers(kernel: Kernel): void {
  expectThat(kernel.transferDepth === 0 && kernel.running === undefined, "control came back");
  expectThat(kernel.account.payer === undefined && !kernel.account.isWatched, "nobody is billed");
  for (const environment of alive(kernel)) {
    const { active, keptBy, target } = environment.transfers;
    expectThat(!active && target === undefined, `environment ${environment.row} is in a transfer`);
    const isKeptByOneAlive = keptBy === undefined || kernel.environments.rows[keptBy.row] === keptBy;
    expectThat(isKeptByOneAlive, `environment ${environment.row} is kept by the dead`);
    let keeper = keptBy;
    for (let i = 0; keeper !== undefined; i++) {
      expectThat(i < kernel.environments.rows.length, "environments keep each other in a circle");
      keeper = keeper.transfers.keptBy;
    }
  }
}

const KINDS = Object.values(RESOURCE_KINDS);

/** What is wanted has a deadline once it was asked for, and only of those in the set of the open. */
function checkRevocations(kernel: Kernel): void {
  const { open } = kernel.revocations;
  for (const environment of open)
    expectThat(kernel.environments.rows[environment.row] === environment, "something is wanted of the dead");
  for (const environment of alive(kernel)) {
    const { wanted, deadline, delivered, vector, lost, backing, backingLeft } = environment.revocation;
    const { row } = environment;
    expectThat(open.has(environment) === wanted.some((count) => count > 0), `demands on ${row}`);
    for (const kind of KINDS) {
      const isDue = (deadline[kind] ?? NEVER) < NEVER;
      const isAsked = (wanted[kind] ?? 0) > 0 && delivered[kind] === 1;
      expectThat(isDue === isAsked, `deadline of kind ${kind} for ${row}`);
    }
    expectThat(vector.length <= REPOSSESSIONS, `vector of ${row}`);
    expectThat(lost === 0 || vector.length === REPOSSESSIONS, `losses of ${row} that are only counted`);
    expectThat(backing !== undefined || backingLeft === 0, `backing of ${row}`);
  }
}

function checkAddressSpaces(kernel: Kernel): void {
  const { holders } = kernel.addressSpaces;
  for (const [asid, holder] of holders.entries())
    expectThat(
      holder === undefined || (holder.asid === asid && kernel.environments.rows[holder.row] === holder),
      `address-space id ${asid}`,
    );
  for (const { asid, row } of alive(kernel))
    expectThat(asid < 0 || holders[asid]?.row === row, `address-space id of ${row}`);
}

/** A copy that is not cancelled is an environment's that lives, from and to frames that somebody holds. */
function checkDma({ dma, frames }: Kernel): void {
  expectThat(dma.copies.size <= DMA_COPIES, "copies in flight");
  for (const { from, to, bytes, statusAddress, isCancelled, environment } of dma.copies) {
    expectThat(environment.alive || (isCancelled && statusAddress < 0), "a copy of the dead");
    if (statusAddress >= 0)
      expectThat(
        frames.owner[Math.floor(statusAddress / FRAME_BYTES)] !== 0,
        "a completion word on a free frame",
      );
    if (isCancelled) continue;
    for (const address of [from, from + bytes - 1, to, to + bytes - 1])
      expectThat(frames.owner[Math.floor(address / FRAME_BYTES)] !== 0, "a copy from or to a free frame");
  }
}

/** The system frame says what the tables say. */
function checkWords({ machine: { memory }, systemFrame, environments }: Kernel): void {
  const word = (at: number): number => memory.view.getUint32(systemFrame * FRAME_BYTES + at);
  for (const [row, environment] of environments.rows.entries())
    expectThat(word(SYSTEM_WORDS.events + row * 4) === (environment?.events ?? 0), `events of ${row}`);
}

function checkDisplays({ machine: { displays }, environments }: Kernel): void {
  for (const display of displays) {
    const { width, height, tile } = display.hardware;
    for (let i = Math.ceil(width / tile) * Math.ceil(height / tile) - 1; i >= 0; i--) {
      const owner = display.owner(i);
      expectThat(owner === 0 || environments.rows[rowOf(owner)]?.id === owner, `tile ${i} is the dead's`);
    }
  }
}
