/** What must hold between the published tables after every call; seen from outside, by any gate. */
import type { Gate } from "../abi/gate.ts";
import { rowOf } from "../abi/ids.ts";

const expectThat = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(`tables disagree: ${what}`);
};

/**
 * Throws unless the published tables agree with each other.
 *
 * Frames: the free count, each environment's count, and no binding or pin on a
 * free frame. Everything bound belongs to an environment that is alive, but for
 * frames and extents that a device still uses: those may outlive their owner.
 */
export function checkTables(gate: Gate): void {
  checkFrames(gate);
  checkEnvironments(gate);
  checkOwners(gate);
}

const isAlive = ({ environments }: Gate, id: number): boolean => environments.id(rowOf(id)) === id;

function checkFrames(gate: Gate): void {
  const { frames, environments } = gate;
  const held = new Map<number, number>();
  let free = 0;
  for (let f = 0; f < frames.count; f++) {
    const owner = frames.owner(f);
    if (owner === 0) {
      free += 1;
      expectThat(frames.bindings(f) === 0 && frames.pins(f) === 0, `free frame ${f} is bound`);
    } else if (isAlive(gate, owner)) held.set(owner, (held.get(owner) ?? 0) + 1);
    else expectThat(frames.pins(f) > 0, `frame ${f} is held by the dead`);
    expectThat(frames.pins(f) <= frames.bindings(f), `frame ${f} has more pins than bindings`);
  }
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
}

function checkOwners(gate: Gate): void {
  const alive = (table: string, count: number, ownerOf: (row: number) => number): void => {
    for (let row = 0; row < count; row++) {
      const owner = ownerOf(row);
      expectThat(owner === 0 || isAlive(gate, owner), `${table} ${row} is held by the dead`);
    }
  };
  alive("slice", gate.slices.count, gate.slices.owner);
  alive("ring", gate.rings.count, gate.rings.owner);
  alive("filter", gate.filters.count, gate.filters.owner);
  alive("transmit binding", gate.transmits.count, gate.transmits.user);
  alive("stream", gate.streams.count, gate.streams.owner);
  const { extents } = gate;
  alive("extent", extents.count, (row) => (extents.transfers(row) > 0 ? 0 : extents.owner(row)));
}
