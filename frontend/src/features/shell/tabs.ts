import type { Role } from "@/api/types";

/** The tabs that exist: one that leads nowhere yet is not shown. */
export function tabsFor(role: Role): { to: string; key: string }[] {
  const all = [
    { to: "/convert", key: "shell.convert" },
    { to: "/compare", key: "shell.compare" },
  ];
  return role === "admin" ? [...all, { to: "/admin", key: "shell.admin" }] : all;
}
