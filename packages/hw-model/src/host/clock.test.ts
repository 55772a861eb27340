import { clockContract, timerContract } from "../contract/index.ts";
import { makeHostClock } from "./clock.ts";
import { makeHostMachine } from "./machine.ts";
import { pause } from "../../test/host-events.ts";

clockContract("host clock", () => ({ clock: makeHostClock(), settle: pause }));

timerContract("host interval timer", () => {
  const { clock, timer } = makeHostMachine({ frames: 16 });
  return { clock, timer, settle: pause };
});
