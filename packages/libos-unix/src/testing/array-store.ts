/** A backing store in arrays: for tests of what pages to one. */
import type { Window } from "@exolith/exokernel/abi";
import type { BackingStore } from "../memory/backing-store.ts";

/** A store that counts, and can be broken. */
export interface ArrayStore extends BackingStore {
  readonly saves: number;
  readonly loads: number;
  /** Which moves are refused from now on. */
  broken: "none" | "saves" | "loads";
}

/** A store with room for `places` pages of `pageBytes`. */
export function makeArrayStore(places: number, pageBytes: number = 4096): ArrayStore {
  const pages = new Map<number, Uint8Array>();
  let saves = 0;
  let loads = 0;
  const check = (place: number): void => {
    if (!(Number.isInteger(place) && place >= 0 && place < places)) throw new RangeError("no such place");
  };
  const store: ArrayStore = {
    places,
    broken: "none",
    get saves() {
      return saves;
    },
    get loads() {
      return loads;
    },
    save: (place: number, window: Window, at: number) => {
      check(place);
      if (store.broken === "saves") return false;
      const bytes = new Uint8Array(pageBytes);
      window.read(at, bytes, 0, pageBytes);
      pages.set(place, bytes);
      saves += 1;
      return true;
    },
    load: (place: number, window: Window, at: number) => {
      check(place);
      const bytes = pages.get(place);
      if (bytes === undefined) throw new Error("nothing was saved there");
      if (store.broken === "loads") return false;
      window.write(at, bytes, 0, pageBytes);
      loads += 1;
      return true;
    },
  };
  return store;
}
