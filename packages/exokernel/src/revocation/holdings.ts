/** How many revocable resources of each kind an environment holds. */
import { RESOURCE_KINDS, type ResourceKind } from "../abi/resources.ts";
import type { Environment } from "../environment/environment.ts";
import type { Kernel, Rows } from "../kernel.ts";

/** Kinds that can be revoked. */
const REVOCABLE: readonly unknown[] = [
  RESOURCE_KINDS.frame,
  RESOURCE_KINDS.slice,
  RESOURCE_KINDS.filter,
  RESOURCE_KINDS.extent,
  RESOURCE_KINDS.region,
  RESOURCE_KINDS.ring,
  RESOURCE_KINDS.messageRing,
];

/** True for a kind that can be revoked, of any type. */
export const isRevocable = (kind: unknown): kind is ResourceKind => REVOCABLE.includes(kind);

/** Resources of a kind that an environment holds. O(1) for frames, slices and regions, else O(rows of the table). */
export function holdings(kernel: Kernel, environment: Environment, kind: number): number {
  switch (kind) {
    case RESOURCE_KINDS.frame:
      return environment.frames;
    case RESOURCE_KINDS.slice:
      return environment.slices;
    case RESOURCE_KINDS.region:
      return environment.regions;
    case RESOURCE_KINDS.filter:
      return countOf(kernel.filters, environment);
    case RESOURCE_KINDS.ring:
      return countOf(kernel.rings, environment);
    case RESOURCE_KINDS.messageRing:
      return countOf(kernel.messageRings, environment);
    default:
      return extentsOf(kernel, environment);
  }
}

function countOf({ rows }: Rows<{ readonly owner: Environment }>, owner: Environment): number {
  let count = 0;
  for (let row = 0; row < rows.length; row++) if (rows[row]?.owner === owner) count += 1;
  return count;
}

/** Extents that are being taken back are not held any more. */
function extentsOf({ extents: { rows } }: Kernel, owner: Environment): number {
  let count = 0;
  for (let row = 0; row < rows.length; row++) {
    const extent = rows[row];
    if (extent?.owner === owner && !extent.orphan) count += 1;
  }
  return count;
}

/** How many of a kind are still to be given back, 0 for no demand. Cost as `holdings` when there is one. */
export function stillWanted(kernel: Kernel, environment: Environment, kind: number): number {
  const { wanted, target } = environment.revocation;
  const asked = wanted[kind] ?? 0;
  if (asked === 0) return 0;
  return Math.max(0, Math.min(asked, holdings(kernel, environment, kind) - (target[kind] ?? 0)));
}
