/** A power cut, as a disk sees it. */
import type { Disk } from "@exolith/hw-model";

/** A disk that loses every write once `power.left` have been done; the first one lost is torn in half. */
export function cutDisk(disk: Disk, power: { left: number }): Disk {
  return {
    hardware: disk.hardware,
    submit: (now, memory, request) => {
      if (request.kind === "read" || power.left-- > 0) return disk.submit(now, memory, request);
      const half = memory.slice();
      half.fill(0xee, request.address + 16, request.address + 4096 * request.count);
      return disk.submit(
        now,
        power.left === -1 ? half : memory,
        power.left === -1 ? request : { ...request, kind: "read" },
      );
    },
    reap: (now, limit, done) => disk.reap(now, limit, done),
    settle: (now) => disk.settle(now),
    armPosition: () => disk.armPosition(),
    wakeAt: (now) => disk.wakeAt(now),
  };
}
