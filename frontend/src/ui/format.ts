const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const compactNumber = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const oneDigit = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const dateTime = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });

export const count = (value: number): string => whole.format(value);
/** 1,234,567 as 1.2M, where the place is narrow. */
export const compact = (value: number): string => compactNumber.format(value);

const UNITS = ["B", "kB", "MB", "GB", "TB"] as const;

/** What there is of the parts of a name, in one line. */
export const joined = (...parts: (string | false)[]): string => parts.filter((part) => part !== false && part !== "").join(" · ");

/** Decimal units, as upload limits and disks are sold. */
export function bytes(value: number): string {
  let scaled = value;
  let unit = 0;
  while (scaled >= 999.95 && unit < UNITS.length - 1) {
    scaled /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? whole.format(scaled) : oneDigit.format(scaled)} ${UNITS[unit]}`;
}

/** A limit, which is set in powers of two: 2 GiB is said as 2 GiB. */
export function limit(value: number): string {
  const names = ["B", "KiB", "MiB", "GiB", "TiB"] as const;
  let scaled = value;
  let unit = 0;
  while (scaled >= 1024 && unit < names.length - 1) {
    scaled /= 1024;
    unit += 1;
  }
  return `${oneDigit.format(scaled)} ${names[unit]}`;
}

/** 75 s as "1:15"; hours only when there are some. */
export function clock(seconds: number): string {
  const left = Math.max(0, Math.round(seconds));
  const parts = [Math.floor(left / 3600), Math.floor((left % 3600) / 60), left % 60];
  const [h, m, s] = parts as [number, number, number];
  const two = (n: number): string => String(n).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** A span of time in words short enough for a line of figures. */
export function span(seconds: number): string {
  if (seconds < 1) return "< 1 s";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${oneDigit.format(seconds / 3600)} h`;
}

export const at = (time: string): string => dateTime.format(new Date(time));
