import { makeWindow } from "@exolith/exokernel/testing";
import { expect, test } from "vitest";
import { nameOf, requestFor } from "./documents.ts";
import { HEAD_BYTES, REQUEST_BYTES, makeHeads, understand, type Asked } from "./http-part.ts";
import type { WorkName } from "./work.ts";

const counting = () => {
  const done: Partial<Record<WorkName, number>> = {};
  return {
    done: done as Record<WorkName, number>,
    do: (work: WorkName, units = 1) => void (done[work] = (done[work] ?? 0) + units),
  };
};

function ask(text: string, size: number): { asked: Asked; done: Partial<Record<WorkName, number>> } {
  const window = makeWindow(REQUEST_BYTES);
  const bytes = new TextEncoder().encode(text);
  window.write(0, bytes, 0, bytes.length);
  const labour = counting();
  return {
    asked: understand(labour, { window, at: 0, length: REQUEST_BYTES }, bytes.length, size),
    done: labour.done,
  };
}

test("a request is understood when it is whole, and only the document there is is found", () => {
  const whole = requestFor(100);
  expect(ask(whole, 100)).toEqual({ asked: "document", done: { httpByte: whole.length, httpRequest: 1 } });
  expect(ask(whole, 1024).asked).toBe("nothing");
  expect(ask(`POST /${nameOf(100)} HTTP/1.0\r\n\r\n`, 100).asked).toBe("nothing");
  for (let length = 1; length < whole.length; length += 7)
    expect(ask(whole.slice(0, length), 100)).toEqual({ asked: undefined, done: { httpByte: length } });
});

test("heads say how long the body is, and fit", () => {
  const window = makeWindow(HEAD_BYTES);
  const heads = makeHeads(counting(), 102_400);
  const text = (asked: "document" | "nothing"): string => window.text(0, heads.write(window, 0, asked));
  expect(text("document")).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*Content-Length: 102400\r\n[^]*\r\n\r\n$/);
  expect(text("nothing")).toMatch(/^HTTP\/1\.1 404 Not Found\r\n[^]*Content-Length: 0\r\n[^]*\r\n\r\n$/);
});
