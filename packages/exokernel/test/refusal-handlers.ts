/** Refusals of the handler calls. */
import { handlerModule } from "@exolith/secure-bind/testing";
import { HANDLERS, must, type Filter, type FilterId } from "../src/abi/index.ts";
import {
  EMPTY,
  NOTHING,
  at,
  having,
  own,
  ringOf,
  useUp,
  type Scenarios,
  type Stage,
} from "./refusal-stage.ts";

const ARP: Filter = [{ kind: "equal", at: 12, width: 2, mask: 0xffff, value: 0x0806 }];
const OUTSIDE = at(1024);
const CONSUME = { module: handlerModule((code) => code.i32(1)), fuel: 10 };
const LARGE = { module: handlerModule((code) => code.i32(1), { pages: 1 }), fuel: 10 };

/** A filter of alice's that feeds a ring of hers. */
const filterOf = (s: Stage): FilterId => must(s.alice.filterInsert(0, ARP, ringOf(s), s.slots.nic, own));

/** Of the handler calls. */
export const handlerScenarios: Pick<Scenarios, "handlerInstall" | "handlerRemove"> = {
  handlerInstall: {
    BadHandler: having(filterOf, (s, filter) => s.alice.handlerInstall(filter, LARGE, at(24), 2, own)),
    NoFilter: having(filterOf, (s, filter) => s.bob.handlerInstall(filter, CONSUME, at(40), 1, own)),
    Busy: having(
      (s) => {
        const filter = filterOf(s);
        must(s.alice.handlerInstall(filter, CONSUME, at(24), 2, own));
        return filter;
      },
      (s, filter) => s.alice.handlerInstall(filter, CONSUME, at(26), 2, own),
    ),
    BadBinding: having(filterOf, (s, filter) =>
      s.alice.handlerInstall(filter, { ...CONSUME, transmit: 7 as never }, at(24), 2, own),
    ),
    BadFrame: having(filterOf, (s, filter) => s.alice.handlerInstall(filter, CONSUME, OUTSIDE, 1, own)),
    BadRange: having(filterOf, (s, filter) => s.alice.handlerInstall(filter, CONSUME, at(24), 0, own)),
    BadSlot: having(filterOf, (s, filter) => s.alice.handlerInstall(filter, CONSUME, at(24), 2, EMPTY)),
    BadCapability: having(filterOf, (s, filter) =>
      s.alice.handlerInstall(filter, CONSUME, at(24), 2, s.slots.stranger),
    ),
    Full: having(
      (s) => {
        const { root } = s;
        must(root.framesAlloc(at(100), 3, own));
        const ring = must(root.ringBind(at(100), 2, own));
        const filters = Array.from({ length: HANDLERS }, (_, i) =>
          must(
            root.filterInsert(
              0,
              [{ kind: "equal", at: 200, width: 1, mask: 0xff, value: i }],
              ring,
              own,
              own,
            ),
          ),
        );
        useUp((i) => root.handlerInstall(filters[i] ?? NOTHING, CONSUME, at(102), 1, own), HANDLERS + 1);
        return filterOf(s);
      },
      (s, filter) => s.alice.handlerInstall(filter, CONSUME, at(24), 2, own),
    ),
  },
  handlerRemove: {
    NoHandler: having(
      (s) => must(s.alice.handlerInstall(filterOf(s), CONSUME, at(24), 2, own)),
      (s, installed) => s.bob.handlerRemove(installed),
    ),
  },
};
