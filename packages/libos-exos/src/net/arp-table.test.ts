import { makeWindow } from "@exolith/exokernel/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ARP_ROWS, ARP_STATE, ARP_TABLE_BYTES, ArpTable, arpReaders, checkArpTable } from "./arp-table.ts";

const tableAt = (at: number) => {
  const window = makeWindow(at + ARP_TABLE_BYTES);
  return { window, table: new ArpTable(window, at) };
};

test("readers made over the same memory see what the writer writes", () => {
  const { window, table } = tableAt(32);
  const row = table.insert(0x0a00_0001);
  table.map(row, 0x0200, 0xffff_fff1, 77);
  table.change(row, ARP_STATE.reachable, 0, Infinity);
  const readers = arpReaders(window, 32);
  expect(readers.find(0x0a00_0001)).toBe(row);
  expect([readers.high(row), readers.low(row)]).toEqual([0x0200, 0xffff_fff1]);
  expect([readers.state(row), readers.heardSeconds(row), readers.requests(row)]).toEqual([
    ARP_STATE.reachable,
    77,
    0,
  ]);
  expect(readers.find(0x0a00_0002)).toBe(-1);
  expect(Object.isFrozen(readers)).toBe(true);
});

test("a full table throws out the row that changed longest ago, never a permanent one", () => {
  const { table } = tableAt(0);
  for (let address = 1; address <= ARP_ROWS; address++) table.insert(address);
  table.change(table.find(1), ARP_STATE.permanent, 0, Infinity);
  table.change(table.find(2), ARP_STATE.reachable, 0, Infinity);
  expect(table.insert(1000)).toBeGreaterThanOrEqual(0);
  expect([table.find(1), table.find(2)].every((row) => row >= 0)).toBe(true);
  expect(table.find(3)).toBe(-1);
  expect(table.evicted).toBe(1);
  checkArpTable(table);
});

test("rows without a mapping go first, then the one that was used longest ago", () => {
  const { table } = tableAt(0);
  for (let address = 1; address <= ARP_ROWS; address++) table.insert(address);
  for (let address = 1; address <= ARP_ROWS; address++)
    table.change(
      table.find(address),
      address > ARP_ROWS - 2 ? ARP_STATE.unreachable : ARP_STATE.reachable,
      0,
      1,
    );
  table.insert(1000);
  table.change(table.find(1000), ARP_STATE.reachable, 0, 1);
  table.insert(1001);
  table.change(table.find(1001), ARP_STATE.reachable, 0, 1);
  expect([ARP_ROWS - 1, ARP_ROWS].map((address) => table.find(address))).toEqual([-1, -1]);
  table.touch(table.find(1));
  table.insert(1002);
  expect(table.find(1)).toBeGreaterThanOrEqual(0);
  expect(table.find(2)).toBe(-1);
  checkArpTable(table);
});

test("mappings that were only learnt go before those that were used, however old these are", () => {
  const { table } = tableAt(0);
  for (let address = 1; address <= ARP_ROWS; address++)
    table.change(table.insert(address), ARP_STATE.reachable, 0, 1);
  table.touch(table.find(1));
  for (let address = 1000; address < 1000 + 2 * ARP_ROWS; address++)
    table.change(table.insert(address), ARP_STATE.reachable, 0, 1);
  expect(table.find(1)).toBeGreaterThanOrEqual(0);
  expect(table.find(2)).toBe(-1);
  checkArpTable(table);
});

test("a table of permanent rows has no room", () => {
  const { table } = tableAt(0);
  for (let address = 1; address <= ARP_ROWS; address++)
    table.change(table.insert(address), ARP_STATE.permanent, 0, Infinity);
  expect(table.insert(5000)).toBe(-1);
});

test("the index agrees with the rows after any insertions and removals", () => {
  const step = fc.record({ insert: fc.boolean(), address: fc.integer({ min: 1, max: 400 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 600 }), (steps) => {
      const { table } = tableAt(0);
      for (const { insert, address } of steps) {
        const row = table.find(address);
        if (insert && row < 0) table.insert(address);
        if (!insert && row >= 0) table.remove(row);
      }
      checkArpTable(table);
    }),
    { numRuns: 30 },
  );
});
