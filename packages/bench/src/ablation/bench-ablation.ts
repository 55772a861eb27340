/** `bench ablation`: Cheetah whole and without each of its techniques, in simulated time. */
import type { Techniques } from "@exolith/cheetah";
import { PENTIUM_PRO_200 } from "@exolith/hw-model";
import type { Invariant } from "../kernel/shape.ts";
import { TECHNIQUES } from "../cheetah/techniques.ts";
import {
  INTERFACES,
  ablate,
  describeWorkload,
  type AblationFigures,
  type InterfaceName,
  type Workload,
} from "./measure.ts";
import { checkAblation } from "./shape.ts";

/** One row: a server. */
export interface AblationRow {
  readonly kind: InterfaceName;
  /** The technique that it does without, if there is one. */
  readonly without: keyof Techniques | undefined;
  readonly figures: AblationFigures;
}

/** All rows. */
export interface AblationTable {
  readonly machine: string;
  readonly workload: Workload;
  readonly rows: readonly AblationRow[];
  /** True when clients were answered alike by all, byte for byte but for dates. */
  readonly isSameToClients: boolean;
}

/** A whole run. It names no host: none has a part in it. */
export interface AblationReport {
  readonly table: AblationTable;
  readonly invariants: readonly Invariant[];
}

/** Measures the table: for each interface all techniques, then each one off. Deterministic. */
export function benchAblation(say: (line: string) => void = () => {}): AblationReport {
  const rows: AblationRow[] = [];
  const answers = new Set<string>();
  for (const kind of INTERFACES)
    for (const without of [undefined, ...TECHNIQUES.map(({ key }) => key)]) {
      say(`${kind} interface, ${without === undefined ? "all techniques" : `without ${without}`}`);
      const { figures, heads } = ablate(without === undefined ? {} : { [without]: false }, kind);
      rows.push({ kind, without, figures });
      answers.add(heads.join(""));
    }
  const table = {
    machine: PENTIUM_PRO_200.name,
    workload: describeWorkload(),
    rows,
    isSameToClients: answers.size === 1,
  };
  return { table, invariants: checkAblation(table) };
}
