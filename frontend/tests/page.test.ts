import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { asProblem, problemFrom, problemOf, ProblemError } from "@/api/problem";
import { loadFrom } from "@/api/load";
import { agent } from "@/features/account/agent";
import { faultOf } from "@/features/account/password";
import { matching } from "@/features/shell/commands";
import { tabsFor } from "@/features/shell/tabs";
import en from "@/locales/en.json";
import { bytes, clock, joined, limit, span } from "@/ui/format";

type Texts = { [key: string]: string | Texts };

const flat = (texts: Texts, prefix = ""): string[] =>
  Object.entries(texts).flatMap(([key, value]) => (typeof value === "string" ? [prefix + key] : flat(value, `${prefix}${key}.`)));

const sources = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? sources(join(folder, entry.name)) : [join(folder, entry.name)],
  );

const all = sources("src").filter((path) => /\.(vue|ts)$/.test(path) && !path.endsWith("schema.d.ts"));
const code = all.map((path) => readFileSync(path, "utf8")).join("\n");

describe("the texts", () => {
  const keys = flat(en);

  test("every key that is named has a text", () => {
    const named = [...code.matchAll(/\bt\(\s*"([\w.-]+)"/g)].map((match) => match[1] ?? "");
    expect(named.length).toBeGreaterThan(100);
    expect(named.filter((key) => !keys.includes(key))).toEqual([]);
  });

  test("every text is named, in full or by the beginning of its key", () => {
    const quoted = new Set([...code.matchAll(/["'`]([\w-]+(?:\.[\w-]+)+)["'`]/g)].map((match) => match[1]));
    const begun = [...code.matchAll(/`([\w.-]+)\$\{/g)].map((match) => match[1] ?? "");
    const unused = keys.filter((key) => !quoted.has(key) && !begun.some((start) => key.startsWith(start)));
    expect(unused).toEqual([]);
  });
});

describe("the content security policy", () => {
  test("no template has a style attribute of its own, and no code sets one", () => {
    const literal = all.filter((path) => /\sstyle="|setAttribute\(\s*["']style/.test(readFileSync(path, "utf8")));
    expect(literal).toEqual([]);
  });

  test("the page's own file has the placeholder of the nonce and nothing inline", () => {
    const index = readFileSync("index.html", "utf8");
    expect(index).toContain('<meta name="csp-nonce" content="__CSP_NONCE__" />');
    expect(index).not.toMatch(/<style|<script(?![^>]*\ssrc=)|\son\w+=/);
  });

  test("nothing is loaded from elsewhere", () => {
    expect(code.match(/https?:\/\/[\w.]+/g) ?? []).toEqual([]);
  });
});

describe("a problem", () => {
  test("keeps code, detail and correlation id of the gateway", async () => {
    const body = { type: "about:blank", title: "Conflict", status: 409, code: "NOT_CONVERTED", detail: "…", correlation_id: "abc" };
    const problem = await problemOf(Response.json(body, { status: 409 }));
    expect(problem).toMatchObject({ status: 409, code: "NOT_CONVERTED", correlationId: "abc", retryAfter: null });
  });

  test("is one also where a proxy answered with a page", async () => {
    const answer = new Response("<html>", { status: 502, headers: { "X-Correlation-ID": "abc", "Retry-After": "7" } });
    expect(await problemOf(answer)).toMatchObject({ code: "HTTP_502", correlationId: "abc", retryAfter: 7 });
  });

  test("without an answer says that the server cannot be reached", () => {
    expect(asProblem(new TypeError("Failed to fetch")).code).toBe("UNREACHABLE");
  });

  test("of something that is gone is its own state, also where it was seen before", () => {
    const gone = new ProblemError(problemFrom(404, null, () => null));
    expect(loadFrom("seen", gone)).toEqual({ kind: "gone" });
  });

  test("does not take away what is already on screen", () => {
    const away = new ProblemError(problemFrom(503, null, () => null));
    expect(loadFrom("seen", away)).toEqual({ kind: "ready", value: "seen" });
    expect(loadFrom(undefined, away).kind).toBe("failed");
    expect(loadFrom(undefined, null).kind).toBe("busy");
  });
});

describe("what is said", () => {
  test("sizes, limits and times are short and right at the edges", () => {
    expect([0, 999, 1000, 999_949, 999_950, 2_147_483_648].map(bytes)).toEqual(["0 B", "999 B", "1 kB", "999.9 kB", "1 MB", "2.1 GB"]);
    expect(limit(2 * 1024 ** 3)).toBe("2 GiB");
    expect([0, 59.6, 3661].map(clock)).toEqual(["0:00", "1:00", "1:01:01"]);
    expect([0.2, 42, 600, 7200].map(span)).toEqual(["< 1 s", "42 s", "10 min", "2 h"]);
  });

  test("a name without one of its parts has no separator for it", () => {
    expect(joined("Terms", "Flag", "format only")).toBe("Terms · Flag · format only");
    expect(joined("", "Flag", false)).toBe("Flag");
    expect(joined(false, "", "")).toBe("");
  });

  test("browsers are named, programs by their first word", () => {
    expect(agent("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.1")).toBe("Edge 142, Linux");
    expect(agent("Mozilla/5.0 (Windows NT 10.0; rv:151.0) Gecko/20100101 Firefox/151.0")).toBe("Firefox 151, Windows");
    expect(agent("python-requests/2.32")).toBe("python-requests");
    expect(agent("")).toBe("");
  });

  test("a new password is long enough, new, and typed twice alike", () => {
    expect(faultOf("short", "short")).toBe("short");
    expect(faultOf("long enough now", "long enough", "")).toBe("differs");
    expect(faultOf("long enough now", "long enough now", "long enough now")).toBe("same");
    expect(faultOf("𝕒𝕓𝕔𝕕𝕖𝕗", "𝕒𝕓𝕔𝕕𝕖𝕗")).toBe("short");
    expect(faultOf("long enough now", "long enough now", "before")).toBeNull();
  });

  test("commands are found by any of their words, the best first", () => {
    const commands = ["Theme: Dark", "Open dark export.zip", "Log out"].map((text) => ({ id: text, text, run: () => undefined }));
    expect(matching(commands, "dark theme").map(({ text }) => text)).toEqual(["Theme: Dark"]);
    expect(matching(commands, "out")[0]?.text).toBe("Log out");
    expect(matching(commands, "")).toHaveLength(3);
  });

  test("only administrators are shown the way to administration", () => {
    expect(tabsFor("user").map(({ to }) => to)).toEqual(["/convert", "/compare"]);
    expect(tabsFor("admin").map(({ to }) => to)).toEqual(["/convert", "/compare", "/admin"]);
  });
});
