/** Round trips against the number of busy environments: Figure 2 and Table 11 of SOSP'95, on simulated machines. */
import { DEC5000_125, MODERN_3GHZ } from "@exolith/hw-model";
import { measurePoint, type Point, type Setting } from "./environments.ts";

/** Environments that share the answering machine's processor. */
export const BUSY: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 100];

/**
 * The machines, each with its wire.
 *
 * The Ethernet of the paper carries a round trip of 60 bytes in 253 µs: 259 µs
 * are said to be 6 µs above what the hardware takes. At 10 Mb/s the bits are on
 * the wire for 67.2 µs each way; the rest is the delay of the controllers.
 */
export const SETTINGS: readonly Setting[] = [
  { profile: DEC5000_125, wire: { bitsPerSecond: 10e6, delaySeconds: 59.3e-6 } },
  { profile: MODERN_3GHZ, wire: { bitsPerSecond: 1e9, delaySeconds: 5e-6 } },
];

/**
 * What every environment works whenever it runs, in round trips with nobody else about.
 *
 * The figure's slope is one such round trip for each environment. A little more
 * than one, so that an answer is back before the next turn begins.
 */
export const WORK_SHARE = 1.1;

/** The line through points, by least squares. */
export interface Line {
  readonly slope: number;
  readonly at0: number;
  /** The largest distance of a point from it, as a part of the point. */
  readonly worst: number;
}

/** Everything measured in one setting, in microseconds. */
export interface Series {
  readonly machine: string;
  /** Answered at once, by a server that has nothing else to do. */
  readonly idle: { readonly ring: Point; readonly handler: Point };
  /** What each environment works in a turn. */
  readonly work: number;
  readonly ring: readonly Point[];
  readonly handler: readonly Point[];
  /** Through the points without a handler, from two environments on. */
  readonly line: Line;
}

/** Least squares. Throws on fewer than two points. */
export function fitLine(points: readonly (readonly [x: number, y: number])[]): Line {
  if (points.length < 2) throw new RangeError("a line has two points");
  const mean = (of: readonly number[]): number => of.reduce((sum, one) => sum + one, 0) / of.length;
  const x0 = mean(points.map(([x]) => x));
  const y0 = mean(points.map(([, y]) => y));
  const slope =
    points.reduce((sum, [x, y]) => sum + (x - x0) * (y - y0), 0) /
    points.reduce((sum, [x]) => sum + (x - x0) ** 2, 0);
  const at0 = y0 - slope * x0;
  const worst = Math.max(...points.map(([x, y]) => Math.abs(at0 + slope * x - y) / y));
  return { slope, at0, worst };
}

/** Measures one setting. Deterministic. */
export function measureSeries(
  setting: Setting,
  pingPongs: number,
  busy: readonly number[] = BUSY,
  say: (line: string) => void = () => {},
): Series {
  const { profile } = setting;
  const point = (environments: number, hasHandler: boolean, workBytes: number): Point => {
    say(`${profile.name}: ${environments} busy, ${hasHandler ? "with" : "without"} a handler`);
    return measurePoint({ ...setting, busy: environments, workBytes, hasHandler, pingPongs });
  };
  const idle = { ring: point(0, false, 0), handler: point(0, true, 0) };
  const { checksumByte } = profile.primitives;
  const wanted = (idle.ring.mean * WORK_SHARE * profile.hertz) / 1e6;
  const workBytes = Math.ceil(wanted / checksumByte);
  const ring = busy.map((environments) => point(environments, false, workBytes));
  const handler = busy.map((environments) => point(environments, true, workBytes));
  return {
    machine: profile.name,
    idle,
    work: (workBytes * checksumByte * 1e6) / profile.hertz,
    ring,
    handler,
    line: fitLine(ring.filter((one) => one.busy > 1).map((one) => [one.busy, one.mean])),
  };
}
