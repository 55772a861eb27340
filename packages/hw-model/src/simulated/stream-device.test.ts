/** What a scripted stream tells, and when. */
import { expect, test } from "vitest";
import { makeSimulatedStreamDevice, type SimulatedStreamDevice } from "./stream-device.ts";

const changes = (device: SimulatedStreamDevice): number[] => {
  const told: number[] = [];
  device.reap(100, (stream) => told.push(stream));
  return told;
};

const makeOpen = (bufferBytes: number) => {
  const device = makeSimulatedStreamDevice(4, bufferBytes);
  const end = device.world.open();
  const stream = device.accept();
  changes(device);
  return { device, end, stream, memory: new Uint8Array(100) };
};

test("room that came back before anybody looked is news to a writer that was turned away", () => {
  const { device, stream, memory } = makeOpen(16);
  expect(device.write(stream, memory, 0, 20)).toBe(16);
  expect(changes(device)).toEqual([stream]);
  expect(changes(device)).toEqual([]);
});

test("bytes that came after the last were read are news, whether anybody looked between or not", () => {
  const { device, end, stream, memory } = makeOpen(16);
  device.world.send(end, "one");
  expect(changes(device)).toEqual([stream]);
  expect(device.read(stream, memory, 0, 100)).toBe(3);
  device.world.send(end, "two");
  expect(changes(device)).toEqual([stream]);
});

test("the world takes bytes a few at a time from a stream that it holds", () => {
  const { device, end, stream, memory } = makeOpen(4);
  device.world.hold(end, true);
  memory.set([1, 2, 3, 4]);
  expect(device.write(stream, memory, 0, 4)).toBe(4);
  expect(device.write(stream, memory, 0, 4)).toBe(0);
  expect([...device.world.take(end, 1)]).toEqual([1]);
  expect(device.write(stream, memory, 0, 4)).toBe(1);
  expect([...device.world.take(end), ...device.world.take(end)]).toEqual([2, 3, 4, 1]);
  expect(device.world.received(end)).toHaveLength(0);
});

test("the world is told of each end that changed, once until it changes again", () => {
  const { device, end, stream, memory } = makeOpen(16);
  expect(device.world.next()).toBe(-1);
  device.write(stream, memory, 0, 1);
  device.write(stream, memory, 0, 1);
  expect([device.world.next(), device.world.next()]).toEqual([end, -1]);
  device.control(stream, "end");
  expect([device.world.next(), device.world.next(), device.world.state(end)]).toEqual([end, -1, "ended"]);
  device.world.forget(end);
  expect(() => device.world.state(end)).toThrow(RangeError);
});
