/** The report of `bench cheetah` as a drawing: processor time a request by document, in SVG. */
import type { CheetahBenchReport, CheetahRow } from "./bench-cheetah.ts";

const WIDTH = 720;
const PANEL = { height: 300, left: 60, right: 150, top: 36, bottom: 34 } as const;
/** Told apart without colour too: dashes differ. */
const STYLES = [
  { colour: "#0b6e4f", dashes: "" },
  { colour: "#c1440e", dashes: "6 3" },
  { colour: "#3a5a9b", dashes: "2 3" },
  { colour: "#555555", dashes: "8 3 2 3" },
  { colour: "#8a2be2", dashes: "1 2" },
] as const;

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

/** Where values lie on a panel: documents side by side, microseconds by their logarithm. */
interface Scale {
  readonly x: (document: string) => number;
  readonly y: (microseconds: number) => number;
  /** Powers of ten within the panel. */
  readonly lines: readonly number[];
}

function scaleOf(rows: readonly CheetahRow[], documents: readonly string[], top: number): Scale {
  const values = rows.map(({ processor }) => processor.median).filter((value) => value > 0);
  const least = Math.floor(Math.log10(Math.min(...values)));
  const most = Math.max(least + 1, Math.ceil(Math.log10(Math.max(...values))));
  const height = PANEL.height - PANEL.top - PANEL.bottom;
  const width = WIDTH - PANEL.left - PANEL.right;
  return {
    x: (document) =>
      PANEL.left + (width * (documents.indexOf(document) + 0.5)) / Math.max(1, documents.length),
    y: (microseconds) => top + PANEL.top + height * (1 - (Math.log10(microseconds) - least) / (most - least)),
    lines: Array.from({ length: most - least + 1 }, (_, i) => 10 ** (least + i)),
  };
}

const text = (x: number, y: number, said: string, more = ""): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${escaped(said)}</text>`;

function axes(scale: Scale, documents: readonly string[], top: number): readonly string[] {
  const bottom = top + PANEL.height - PANEL.bottom;
  const right = WIDTH - PANEL.right;
  return [
    ...scale.lines.map((value) => {
      const y = scale.y(value).toFixed(1);
      const line = `<line x1="${PANEL.left}" x2="${right}" y1="${y}" y2="${y}" stroke="#ddd"/>`;
      return line + text(PANEL.left - 8, scale.y(value) + 4, `${value} µs`, 'text-anchor="end"');
    }),
    ...documents.map((name) => text(scale.x(name), bottom + 18, name, 'text-anchor="middle"')),
  ];
}

/** One server: a line through its medians, a mark at each with its spread. */
function drawServer(rows: readonly CheetahRow[], scale: Scale, index: number): string {
  const { colour, dashes } = STYLES[index % STYLES.length] ?? STYLES[0];
  const drawn = rows.filter(({ processor }) => processor.minimum > 0);
  // A mix is no point of a curve.
  const curve = drawn.filter(({ document }) => document !== "mix");
  const points = curve.map(
    (row) => `${scale.x(row.document).toFixed(1)},${scale.y(row.processor.median).toFixed(1)}`,
  );
  const marks = drawn.map(({ document, processor }) => {
    const x = scale.x(document).toFixed(1);
    const [low, high] = [scale.y(processor.minimum).toFixed(1), scale.y(processor.maximum).toFixed(1)];
    const spread = `<line x1="${x}" x2="${x}" y1="${low}" y2="${high}" stroke="${colour}"/>`;
    return `${spread}<circle cx="${x}" cy="${scale.y(processor.median).toFixed(1)}" r="3" fill="${colour}"/>`;
  });
  const line = `<polyline fill="none" stroke="${colour}" stroke-width="1.5" stroke-dasharray="${dashes}" points="${points.join(" ")}"/>`;
  return [line, ...marks].join("");
}

function drawPanel(title: string, rows: readonly CheetahRow[], top: number): readonly string[] {
  const documents = [...new Set(rows.map(({ document }) => document))];
  const servers = [...new Set(rows.map(({ server }) => server))];
  const scale = scaleOf(rows, documents, top);
  const legend = servers.map((server, index) => {
    const { colour, dashes } = STYLES[index % STYLES.length] ?? STYLES[0];
    const [x, y] = [WIDTH - PANEL.right + 12, top + PANEL.top + 16 * index];
    const line = `<line x1="${x}" x2="${x + 24}" y1="${y}" y2="${y}" stroke="${colour}" stroke-width="1.5" stroke-dasharray="${dashes}"/>`;
    return line + text(x + 30, y + 4, server);
  });
  return [
    text(
      PANEL.left,
      top + 20,
      `${title}: processor time a request, by bytes of the document`,
      'font-weight="bold"',
    ),
    ...axes(scale, documents, top),
    ...servers.map((server, index) =>
      drawServer(
        rows.filter((row) => row.server === server),
        scale,
        index,
      ),
    ),
    ...legend,
  ];
}

/** A panel for each client and mode, one below the other. */
export function drawCheetahReport({ rows, host }: CheetahBenchReport): string {
  const titles = [...new Set(rows.map(({ client, mode }) => `${client}, ${mode}`))];
  const height = titles.length * PANEL.height + 24;
  const panels = titles.flatMap((title, index) =>
    drawPanel(
      title,
      rows.filter(({ client, mode }) => `${client}, ${mode}` === title),
      index * PANEL.height,
    ),
  );
  const foot = text(
    PANEL.left,
    height - 8,
    `${host.cores} x ${host.processor}, ${host.runtime}`,
    'fill="#777"',
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>
${[...panels, foot].join("\n")}
</svg>
`;
}
