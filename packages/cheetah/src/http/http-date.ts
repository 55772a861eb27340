/** Dates as HTTP writes them (RFC 9110 section 5.6.7). Pure functions; times are milliseconds since 1970. */

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const FIXED = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT$/;
const RFC_850 =
  /^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (\d\d)-([A-Z][a-z]{2})-(\d\d) (\d\d):(\d\d):(\d\d) GMT$/;
const ASCTIME = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d) (\d{4})$/;

/** `milliseconds` as an IMF-fixdate, such as `Sun, 06 Nov 1994 08:49:37 GMT`. Bounds: years 0 to 9999. */
export const formatHttpDate = (milliseconds: number): string => new Date(milliseconds).toUTCString();

/** `milliseconds` as the common log format writes it, such as `06/Nov/1994:08:49:37 +0000`. */
export function formatLogDate(milliseconds: number): string {
  const text = formatHttpDate(milliseconds);
  return `${text.slice(5, 7)}/${text.slice(8, 11)}/${text.slice(12, 16)}:${text.slice(17, 25)} +0000`;
}

/**
 * The time that `text` names in any of the three formats, `undefined` if it names none.
 *
 * `now` decides the century of a two-digit year: none is more than 50 years ahead.
 */
export function parseHttpDate(text: string, now: number): number | undefined {
  const fixed = FIXED.exec(text);
  if (fixed !== null) return instant([fixed[3], fixed[2], fixed[1], fixed[4], fixed[5], fixed[6]]);
  const old = RFC_850.exec(text);
  if (old !== null) return instant([fullYear(Number(old[3]), now), old[2], old[1], old[4], old[5], old[6]]);
  const asctime = ASCTIME.exec(text);
  if (asctime === null) return undefined;
  return instant([asctime[6], asctime[1], asctime[2], asctime[3], asctime[4], asctime[5]]);
}

function fullYear(year: number, now: number): string {
  const current = new Date(now).getUTCFullYear();
  const candidate = current - (current % 100) + year;
  return String(candidate > current + 50 ? candidate - 100 : candidate);
}

/** Year, month name, day, hour, minute and second to a time; `undefined` for a day that does not exist. */
function instant(parts: readonly (string | undefined)[]): number | undefined {
  const [year, , day, hour, minute, second] = parts.map(Number);
  const month = MONTHS.indexOf(parts[1] ?? "");
  if (year === undefined || day === undefined || month < 0) return undefined;
  if (hour! > 23 || minute! > 59 || second! > 60) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month, day);
  if (date.getUTCMonth() !== month || date.getUTCDate() !== day) return undefined;
  return date.getTime() + ((hour! * 60 + minute!) * 60 + second!) * 1000;
}
