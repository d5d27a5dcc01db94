const BROWSERS: [RegExp, string][] = [
  [/Edg\/(\d+)/, "Edge"],
  [/OPR\/(\d+)/, "Opera"],
  [/Firefox\/(\d+)/, "Firefox"],
  [/Chrom(?:e|ium)\/(\d+)/, "Chrome"],
  [/Version\/(\d+).*Safari/, "Safari"],
];
const SYSTEMS: [RegExp, string][] = [
  [/Windows/, "Windows"],
  [/Android/, "Android"],
  [/iPhone|iPad/, "iOS"],
  [/Mac OS X/, "macOS"],
  [/Linux/, "Linux"],
];

/** "Chrome 142, Linux" from a user agent; what is no browser keeps its first word. */
export function agent(given: string): string {
  const browser = BROWSERS.map(([sign, name]) => [sign.exec(given)?.[1], name]).find(([version]) => version);
  const system = SYSTEMS.find(([sign]) => sign.test(given))?.[1];
  if (!browser) return given.split(/[\s/]/)[0] ?? "";
  return `${browser[1]} ${browser[0]}${system ? `, ${system}` : ""}`;
}
