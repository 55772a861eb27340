/** What must hold between the published tables after every call; seen from outside, by any gate. */
import type { Gate } from "../abi/gate.ts";
import { FRAME_BYTES, KERNEL, rowOf } from "../abi/ids.ts";
import { GUARANTEED_FRAMES } from "../abi/limits.ts";

const expectThat = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(`tables disagree: ${what}`);
};

/**
 * Throws unless the published tables agree with each other.
 *
 * Frames: the free count, each environment's count, and no binding or pin on a
 * free frame. Everything bound belongs to an environment that is alive, but for
 * extents that a disk still uses: those may outlive their owner. Frames that do
 * are the kernel's, like its own.
 */
export function checkTables(gate: Gate): void {
  checkFrames(gate);
  checkEnvironments(gate);
  checkTransfers(gate);
  checkRegions(gate);
  checkOwners(gate);
  checkTiles(gate);
}

const isAlive = ({ environments }: Gate, id: number): boolean =>
  id === KERNEL || environments.id(rowOf(id)) === id;

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

function checkFrames(gate: Gate): void {
  const { frames, environments } = gate;
  const held = new Map<number, number>();
  const guaranteed = new Map<number, number>();
  let free = 0;
  for (let f = 0; f < frames.count; f++) {
    const owner = frames.owner(f);
    if (owner === 0) {
      free += 1;
      expectThat(frames.bindings(f) === 0 && frames.pins(f) === 0, `free frame ${f} is bound`);
      expectThat(frames.translations(f) === 0, `free frame ${f} has translations`);
    } else held.set(owner, (held.get(owner) ?? 0) + 1);
    expectThat(owner === 0 || isAlive(gate, owner), `frame ${f} is held by the dead`);
    expectThat(frames.pins(f) <= frames.bindings(f), `frame ${f} has more pins than bindings`);
    if (frames.guaranteed(f) === 1) guaranteed.set(owner, (guaranteed.get(owner) ?? 0) + 1);
  }
  for (const [owner, count] of guaranteed)
    expectThat(owner !== 0 && count <= GUARANTEED_FRAMES, `${count} frames are guaranteed to ${owner}`);
  expectThat(free === frames.free(), `${frames.free()} frames said to be free, found ${free}`);
  for (let row = 0; row < environments.count; row++)
    expectThat(
      environments.frames(row) === (held.get(environments.id(row)) ?? 0),
      `frames of environment ${row}`,
    );
}

function checkEnvironments({ environments }: Gate): void {
  for (let row = 0; row < environments.count; row++) {
    const id = environments.id(row);
    expectThat(environments.state(row) === (id === 0 ? 0 : 1), `state of environment ${row}`);
    expectThat(id === 0 || rowOf(id) === row, `id of environment ${row}`);
    const open = environments.slicesBegun(row) - environments.slicesEnded(row);
    expectThat(open === 0 || open === 1, `slices of environment ${row}`);
  }
  const asids = upTo(environments.count)
    .map(environments.asid)
    .filter((asid) => asid >= 0);
  expectThat(new Set(asids).size === asids.length, "two environments have one address-space id");
}

/** Whoever is kept is kept by somebody else who lives and is not kept by it. */
function checkTransfers({ environments }: Gate): void {
  for (let row = 0; row < environments.count; row++) {
    const keeper = environments.keptBy(row);
    if (keeper === 0) continue;
    expectThat(environments.id(rowOf(keeper)) === keeper, `environment ${row} is kept by the dead`);
    let next = keeper;
    for (let i = 0; i < environments.count && next !== 0; i++) {
      expectThat(rowOf(next) !== row, `environment ${row} is kept by itself in the end`);
      next = environments.keptBy(rowOf(next));
    }
  }
}

/** Regions lie in frames that are held, and are counted. */
function checkRegions({ regions, environments, frames }: Gate): void {
  const made = new Map<number, number>();
  for (let row = 0; row < regions.count; row++) {
    const owner = regions.owner(row);
    expectThat((owner === 0) === (regions.id(row) === 0), `id of region ${row}`);
    if (owner === 0) continue;
    made.set(owner, (made.get(owner) ?? 0) + 1);
    expectThat(frames.owner(regions.frame(row)) !== 0, `region ${row} is on a free frame`);
    const end = regions.at(row) + regions.length(row);
    expectThat(regions.length(row) > 0 && end <= FRAME_BYTES, `region ${row} leaves its frame`);
  }
  for (let row = 0; row < environments.count; row++)
    expectThat(
      environments.regions(row) === (made.get(environments.id(row)) ?? 0),
      `regions of environment ${row}`,
    );
}

/** Tiles are nobody's, or somebody's who lives. */
function checkTiles(gate: Gate): void {
  const { displays } = gate;
  for (let display = 0; display < displays.count; display++) {
    const side = displays.tile(display);
    const columns = Math.ceil(displays.width(display) / side);
    for (let tile = 0; tile < columns * Math.ceil(displays.height(display) / side); tile++) {
      const owner = displays.owner(display, tile);
      expectThat(owner === 0 || isAlive(gate, owner), `tile ${tile} of display ${display} is the dead's`);
    }
  }
}

function checkOwners(gate: Gate): void {
  const alive = (table: string, count: number, ownerOf: (row: number) => number): void => {
    for (let row = 0; row < count; row++) {
      const owner = ownerOf(row);
      if (owner !== 0) expectThat(isAlive(gate, owner), `${table} ${row} is held by the dead`);
    }
  };
  alive("slice", gate.slices.count, gate.slices.owner);
  alive("ring", gate.rings.count, gate.rings.owner);
  alive("filter", gate.filters.count, gate.filters.owner);
  alive("handler", gate.handlers.count, gate.handlers.owner);
  alive("program", gate.programs.count, gate.programs.owner);
  alive("transmit binding", gate.transmits.count, gate.transmits.user);
  alive("stream", gate.streams.count, gate.streams.owner);
  alive("region", gate.regions.count, gate.regions.owner);
  alive("message ring", gate.messageRings.count, gate.messageRings.owner);
  const { extents } = gate;
  alive("extent", extents.count, (row) => (extents.transfers(row) > 0 ? 0 : extents.owner(row)));
}
