/** Earliest deadline first (Liu and Layland, 1973): so much processor time in every period. */
import { cycles, NEVER, type Cycles, type EnvId } from "@exolith/exokernel/abi";
import type { IsReady, Policy } from "./policy.ts";

/** What an environment is promised. */
export interface PeriodicTask {
  readonly environment: EnvId;
  /** Length of a period, cycles. */
  readonly period: number;
  /** Processor time in each period, cycles. It is handed out in whole slices, so count it in those. */
  readonly slice: number;
}

/** An earliest-deadline-first scheduler. */
export interface EarliestDeadline extends Policy {
  /** Promises a task its time from `now` on; false, and nothing promised, when there is not that much left. */
  admit(task: PeriodicTask, now: Cycles): boolean;
  /** Periods that ended before a ready task had its time. */
  missed(environment: EnvId): number;
}

/** What the scheduler decides by, and what it has to give. */
export interface EarliestDeadlineOptions {
  readonly isReady: IsReady;
  /** Cycles that an environment has run: `gate.environments.cyclesUsed`. */
  readonly cyclesUsed: (environment: EnvId) => number;
  /** Part of the processor that the scheduler's own slices are, above 0 and at most 1. */
  readonly capacity: number;
}

/** One task in its present period. */
interface Job {
  readonly task: PeriodicTask;
  /** When the period ends, and what had been used when it began. */
  deadline: number;
  usedBefore: number;
  /** True once it was not ready in this period: it wants no more, unless it comes back. */
  isDone: boolean;
  missed: number;
}

const share = ({ period, slice }: PeriodicTask): number => slice / period;

/**
 * An earliest-deadline-first scheduler of nobody.
 *
 * A task that has had its time in a period waits for the next. It is looked at
 * when a slice begins, so it may get up to a slice more than its time, and
 * periods should be many slices long. **Cost** O(tasks) a slice.
 */
export function makeEarliestDeadline(options: EarliestDeadlineOptions): EarliestDeadline {
  const { isReady, cyclesUsed, capacity } = options;
  let jobs: Job[] = [];
  const left = ({ task, usedBefore }: Job): number =>
    task.slice - (cyclesUsed(task.environment) - usedBefore);

  /** Goes on to the period that `now` is in. */
  const renew = (job: Job, now: number): void => {
    if (now < job.deadline) return;
    if (left(job) > 0 && !job.isDone) job.missed += 1;
    const { period, environment } = job.task;
    job.deadline += (Math.floor((now - job.deadline) / period) + 1) * period;
    job.usedBefore = cyclesUsed(environment);
    job.isDone = false;
  };

  const next = (now: Cycles): EnvId | undefined => {
    let chosen: Job | undefined;
    for (const job of jobs) {
      renew(job, now);
      if (left(job) <= 0) continue;
      job.isDone = !isReady(job.task.environment);
      if (!job.isDone && (chosen === undefined || job.deadline < chosen.deadline)) chosen = job;
    }
    return chosen?.task.environment;
  };

  return {
    admit: (task, now) => {
      const promised = jobs.reduce((sum, job) => sum + share(job.task), 0);
      if (!(task.slice > 0 && task.period > 0 && promised + share(task) <= capacity)) return false;
      const usedBefore = cyclesUsed(task.environment);
      jobs.push({ task, deadline: now + task.period, usedBefore, isDone: false, missed: 0 });
      return true;
    },
    leave: (environment) => {
      jobs = jobs.filter(({ task }) => task.environment !== environment);
    },
    missed: (environment) => jobs.find(({ task }) => task.environment === environment)?.missed ?? 0,
    next,
    wakeAt: (soon) =>
      cycles(jobs.reduce((at, job) => Math.min(at, left(job) > 0 ? soon : job.deadline), NEVER as number)),
    members: () => jobs.map(({ task }) => task.environment),
  };
}
