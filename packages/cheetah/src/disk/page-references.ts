/** What an HTML page embeds: names of the site that a browser asks for next when it has the page. */
import { Tokenizer } from "htmlparser2";
import type { TokenizerCallbacks } from "htmlparser2";
import { escapePath, resolveTarget } from "../http/target.ts";
import { INDEX_NAME } from "./site-index.ts";
import type { Step } from "./step.ts";

/** References of one page that are looked at; further ones are passed over. */
export const REFERENCES = 256;
/** Characters of the longest reference, escapes included. */
const REFERENCE_LENGTH = 12_288;
/** Tags of a page that are read in one step. */
const TAGS_A_STEP = 128;

/** Attributes that name what an element embeds. */
const EMBEDDING: ReadonlyMap<string, readonly string[]> = new Map([
  ["audio", ["src"]],
  ["body", ["background"]],
  ["embed", ["src"]],
  ["feimage", ["href", "xlink:href"]],
  ["frame", ["src"]],
  ["iframe", ["src"]],
  ["image", ["href", "xlink:href"]],
  ["img", ["src", "srcset"]],
  ["input", ["src"]],
  ["link", ["href", "imagesrcset"]],
  ["object", ["data"]],
  ["script", ["src", "href", "xlink:href"]],
  ["source", ["src", "srcset"]],
  ["table", ["background"]],
  ["td", ["background"]],
  ["th", ["background"]],
  ["track", ["src"]],
  ["use", ["href", "xlink:href"]],
  ["video", ["poster", "src"]],
]);

/** Relations of a link whose target is fetched with the page. */
const FETCHED_RELATIONS = new Set([
  "apple-touch-icon",
  "icon",
  "manifest",
  "mask-icon",
  "modulepreload",
  "preload",
  "stylesheet",
]);

/** An origin that no site has: what resolves to another one is not of this site. */
const ORIGIN = "http://site.invalid";

/** The names that the page `html`, called `path`, embeds, each once, in the page's order; some tags a step. O(length). */
export function* referencesOf(html: string, path: string): Generator<Step, readonly string[]> {
  const reader = new PageReader(html, path);
  while (reader.read()) yield "brief";
  return reader.names;
}

/** Reads a page tag by tag: no tree, no stack, whatever the page is. */
class PageReader {
  readonly #html: string;
  readonly #found = new Set<string>();
  readonly #attributes = new Map<string, string>();
  readonly #tokenizer: Tokenizer;
  #begun = false;
  #base: URL;
  #hasBase = false;
  #element = "";
  #attribute = "";
  #value = "";
  #tags = 0;
  #looked = 0;

  constructor(html: string, path: string) {
    this.#html = html;
    this.#base = new URL(`${ORIGIN}/${escapePath(path)}`);
    this.#tokenizer = new Tokenizer({ xmlMode: false, decodeEntities: true }, this.#callbacks());
  }

  get names(): readonly string[] {
    return [...this.#found];
  }

  /** Reads some tags; false at the end. */
  read(): boolean {
    this.#tags = 0;
    if (this.#begun) this.#tokenizer.resume();
    else this.#tokenizer.write(this.#html);
    this.#begun = true;
    return !this.#tokenizer.running && this.#looked < REFERENCES;
  }

  #callbacks(): TokenizerCallbacks {
    const nothing = (): void => {};
    return {
      onopentagname: (from, to) => this.#open(this.#html.slice(from, to).toLowerCase()),
      onattribname: (from, to) => {
        this.#attribute = this.#html.slice(from, to).toLowerCase();
        this.#value = "";
      },
      onattribdata: (from, to) => {
        this.#value += this.#html.slice(from, to);
      },
      onattribentity: (codePoint) => {
        this.#value += String.fromCodePoint(codePoint);
      },
      onattribend: () => this.#keepAttribute(),
      onopentagend: () => this.#close(),
      onselfclosingtag: () => this.#close(),
      oncdata: nothing,
      onclosetag: nothing,
      oncomment: nothing,
      ondeclaration: nothing,
      onend: nothing,
      onprocessinginstruction: nothing,
      ontext: nothing,
      ontextentity: nothing,
    };
  }

  #open(element: string): void {
    this.#element = element;
    this.#attributes.clear();
  }

  /** The first of several attributes of one name counts (HTML section 13.2.5.33). */
  #keepAttribute(): void {
    if (this.#element !== "base" && !EMBEDDING.has(this.#element)) return;
    if (!this.#attributes.has(this.#attribute)) this.#attributes.set(this.#attribute, this.#value);
  }

  #close(): void {
    if (this.#element === "base") this.#setBase(this.#attributes.get("href"));
    else if (this.#element !== "link" || isFetched(this.#attributes.get("rel"))) this.#look();
    this.#attributes.clear();
    if ((this.#tags += 1) >= TAGS_A_STEP || this.#looked >= REFERENCES) this.#tokenizer.pause();
  }

  #setBase(reference: string | undefined): void {
    if (this.#hasBase || reference === undefined) return;
    this.#hasBase = true;
    this.#base = resolve(reference, this.#base) ?? this.#base;
  }

  #look(): void {
    for (const name of EMBEDDING.get(this.#element) ?? []) {
      const value = this.#attributes.get(name);
      if (value === undefined) continue;
      for (const reference of name.endsWith("srcset") ? candidatesOf(value) : [value]) this.#note(reference);
    }
  }

  #note(reference: string): void {
    if (this.#looked >= REFERENCES) return;
    this.#looked += 1;
    const url = resolve(reference, this.#base);
    const name = url === undefined ? undefined : nameOf(url);
    if (name !== undefined) this.#found.add(name);
  }
}

const isFetched = (relations: string | undefined): boolean =>
  (relations ?? "")
    .toLowerCase()
    .split(/[\t\n\f\r ]+/)
    .some((relation) => FETCHED_RELATIONS.has(relation));

/** The references of a source set, without their descriptors (HTML section 4.8.4.2.1); no more than are looked at. */
function candidatesOf(set: string): string[] {
  const found: string[] = [];
  const candidate = /[\t\n\f\r ,]*([^\t\n\f\r ]+)/y;
  while (found.length < REFERENCES) {
    const [, reference = ""] = candidate.exec(set) ?? [];
    if (reference === "") return found;
    found.push(reference.replace(/,+$/, ""));
    if (!reference.endsWith(",")) candidate.lastIndex = endOfDescriptors(set, candidate.lastIndex);
  }
  return found;
}

/** Descriptors end with a comma that no parenthesis encloses. */
function endOfDescriptors(set: string, from: number): number {
  let isEnclosed = false;
  for (let at = from; at < set.length; at++) {
    const character = set[at];
    if (character === "(") isEnclosed = true;
    else if (character === ")") isEnclosed = false;
    else if (character === "," && !isEnclosed) return at + 1;
  }
  return set.length;
}

function resolve(reference: string, base: URL): URL | undefined {
  if (reference.length > REFERENCE_LENGTH) return undefined;
  try {
    return new URL(reference, base);
  } catch {
    return undefined;
  }
}

/** The name in the site that a request for `url` would be looked up by. */
function nameOf(url: URL): string | undefined {
  if (url.origin !== ORIGIN) return undefined;
  const target = resolveTarget(url.pathname);
  if (typeof target === "string") return undefined;
  return target.path === "" || target.path.endsWith("/") ? target.path + INDEX_NAME : target.path;
}
