/** Which page goes when there is no room: the policies that a pager can be given. */

/** Chooses victims. Pages are those of the program; all that are loaded may be chosen. */
export interface PagePolicy {
  /** A page was loaded. */
  loaded(page: number): void;
  /** A page that is loaded was touched again after `watch`. */
  touched(page: number): void;
  /** A page is not loaded any more. */
  dropped(page: number): void;
  /** The page that is to go; -1 when none is loaded. `watch` has the next touch of a page noted. */
  victim(watch: (page: number) => void): number;
}

/** Makes a policy for one program. */
export type PagePolicyMaker = () => PagePolicy;

/** First in, first out. */
export function firstInFirstOut(): PagePolicy {
  const pages = new Set<number>();
  return {
    loaded: (page) => void pages.add(page),
    touched: () => undefined,
    dropped: (page) => void pages.delete(page),
    victim: () => pages.values().next().value ?? -1,
  };
}

/**
 * Second chance: as first in, first out, but a page that was touched since it was last looked at goes to the end.
 *
 * There is no bit that says so: the page is taken out of the translation, and the
 * fault says so that comes when it is touched.
 */
export function secondChance(): PagePolicy {
  const pages = new Map<number, boolean>();
  return {
    loaded: (page) => void pages.set(page, true),
    touched: (page) => {
      if (pages.has(page)) pages.set(page, true);
    },
    dropped: (page) => void pages.delete(page),
    victim: (watch) => {
      for (let looks = 2 * pages.size; looks > 0; looks--) {
        const [page, isTouched] = pages.entries().next().value ?? [-1, false];
        if (!isTouched) return page;
        pages.delete(page);
        pages.set(page, false);
        watch(page);
      }
      return -1;
    },
  };
}
