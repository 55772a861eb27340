/** Copies the files of a group to one run of blocks. */
import { CHUNK_BLOCKS } from "../cache/chunk-cache.ts";
import { copyFile } from "./copy-file.ts";
import type { CopyTools, Place } from "./copy-file.ts";
import type { Draft, ImportTask } from "./import-task.ts";
import type { Group } from "./plan-groups.ts";
import { fileBlocks } from "./site-file.ts";
import type { Step } from "./step.ts";

/** Copies `group` next to each other, in as few chunks as can be; wherever there is room, when there is none for all. */
export function* copyGroup(task: ImportTask, draft: Draft, group: Group, tools: CopyTools): Generator<Step> {
  const places = claimPlaces(task, group);
  for (const [index, file] of group.entries()) yield* copyFile(task, draft, file, tools, places?.[index]);
}

function claimPlaces(task: ImportTask, group: Group): Place[] | undefined {
  if (group.length === 1) return undefined;
  const groupBlocks = group.reduce((sum, file) => sum + fileBlocks(file), 0);
  const first = task.site.map.claimTogether(groupBlocks, CHUNK_BLOCKS);
  if (first < 0) return undefined;
  let groupBefore = 0;
  return group.map((file) => {
    const place = { first: first + groupBefore, groupBefore, groupBlocks };
    groupBefore += fileBlocks(file);
    return place;
  });
}
