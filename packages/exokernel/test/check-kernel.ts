/** What must hold inside the kernel after every call. */
import type { Kernel, Rows } from "../src/kernel.ts";
import type { Environment } from "../src/environment/environment.ts";
import { BoundWindow } from "../src/memory/bound-window.ts";
import { checkFrameTable } from "../src/memory/frame-table.ts";
import { FRAME_BYTES } from "../src/abi/index.ts";

function expectThat(holds: boolean, what: string): void {
  if (!holds) throw new Error(`invariant: ${what}`);
}

/** Throws unless every invariant of the kernel's tables holds. */
export function checkKernel(kernel: Kernel): void {
  checkFrameTable(kernel.frames);
  checkBindings(kernel);
  checkPins(kernel);
  checkCounts(kernel);
  checkOwners(kernel);
  checkExtents(kernel);
  for (const table of tables(kernel)) checkRows(table);
}

/** Every table of rows with ids. */
export const tables = (kernel: Kernel): readonly Rows<unknown>[] => [
  kernel.environments,
  kernel.rings,
  kernel.filters,
  kernel.transmits,
  kernel.extents,
  kernel.streams,
];

function checkRows({ ids, rows }: Rows<unknown>): void {
  let taken = 0;
  for (const [row, held] of rows.entries()) {
    if (held !== undefined) taken += 1;
    expectThat((held !== undefined) === (ids.rowOf(ids.idOf(row)) === row), `row ${row} and its id disagree`);
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

/** Pins are the rings, the transfers, and the frames where packets are staged. */
function checkPins({ frames, rings, transfers, nics }: Kernel): void {
  const counted = new Uint16Array(frames.count);
  const pin = (first: number, count: number): void => {
    for (let f = first; f < first + count; f++) counted[f] = (counted[f] ?? 0) + 1;
  };
  for (const ring of rings.rows) if (ring !== undefined) pin(ring.first, ring.frames);
  for (const transfer of transfers.values()) {
    pin(transfer.firstFrame, transfer.frames);
    pin(transfer.statusFrame, 1);
  }
  for (const { staging } of nics) pin(staging / FRAME_BYTES, 1);
  for (let f = 0; f < frames.count; f++) expectThat(counted[f] === frames.pins[f], `pins of frame ${f}`);
}

/** What each environment is said to hold is what it holds. */
function checkCounts({ frames, slices, environments }: Kernel): void {
  for (const environment of environments.rows) {
    if (environment === undefined) continue;
    const isMine = (owner: number): boolean => owner === environment.id;
    expectThat(frames.owner.filter(isMine).length === environment.frames, `frames of ${environment.row}`);
    expectThat(slices.owner.filter(isMine).length === environment.slices, `slices of ${environment.row}`);
    expectThat(environment.slicesBegun === environment.slicesEnded, `slices begun by ${environment.row}`);
  }
}

/** Whoever holds something is alive, but for a frame or an extent that a device still uses. */
function checkOwners({
  frames,
  slices,
  environments,
  rings,
  filters,
  transmits,
  streams,
  acceptors,
}: Kernel): void {
  const isAlive = (id: number): boolean => environments.rows[id & 0xffff]?.id === id;
  const alive = (what: string, owner: Environment | undefined): void =>
    expectThat(owner === undefined || owner.alive, `a ${what} of the dead`);
  for (const [f, owner] of frames.owner.entries())
    expectThat(
      owner === 0 || (frames.orphan[f] === 1 ? (frames.pins[f] ?? 0) > 0 : isAlive(owner)),
      `owner of frame ${f}`,
    );
  for (const [i, owner] of slices.owner.entries()) {
    expectThat(owner === 0 || isAlive(owner), `owner of slice ${i}`);
    expectThat((owner === 0) === (slices.guards[i] === undefined), `guard of slice ${i}`);
  }
  for (const row of rings.rows) alive("ring", row?.owner);
  for (const row of filters.rows) alive("filter", row?.owner);
  for (const row of transmits.rows) alive("transmit binding", row?.owner);
  for (const row of transmits.rows) alive("user's transmit binding", row?.user);
  for (const row of streams.rows) alive("stream", row?.owner);
  for (const asked of acceptors) for (const acceptor of asked) alive("stream device", acceptor);
}

function checkExtents({ extents, transfers }: Kernel): void {
  const counted = new Map<number, number>();
  for (const { extentRow } of transfers.values()) counted.set(extentRow, (counted.get(extentRow) ?? 0) + 1);
  for (const [row, extent] of extents.rows.entries()) {
    expectThat((extent?.transfers ?? 0) === (counted.get(row) ?? 0), `transfers of extent ${row}`);
    if (extent === undefined) continue;
    expectThat(extent.orphan ? extent.transfers > 0 : extent.owner.alive, `owner of extent ${row}`);
    for (const other of extents.rows) {
      if (other === undefined || other === extent || other.disk !== extent.disk) continue;
      const apart = other.first + other.blocks <= extent.first || extent.first + extent.blocks <= other.first;
      expectThat(apart, `extent ${row} overlaps another`);
    }
  }
}
