import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import vue from "@vitejs/plugin-vue";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

// `make run` builds for the gateway, which serves dist/ and puts a fresh nonce into index.html at every request.
// `npm run dev` serves the page itself and hands calls on to a running gateway.
const gateway = process.env["RET_DEV_GATEWAY"] ?? "http://127.0.0.1:8080";

/** The script that sets the theme before the first paint, hashed and immutable as every other asset. */
function themeBeforePaint(): Plugin {
  let asset = "";
  return {
    name: "theme-before-paint",
    apply: "build",
    buildStart() {
      const source = readFileSync("src/theme.boot.js", "utf8");
      asset = this.emitFile({ type: "asset", name: "theme.js", source });
    },
    transformIndexHtml: {
      order: "post",
      handler: (_html, { bundle }) => {
        const file = Object.values(bundle ?? {}).find((made) => made.type === "asset" && made.names.includes("theme.js"));
        if (!file || !asset) throw new Error("the theme's script was not built");
        return [{ tag: "script", attrs: { src: `/${file.fileName}`, nonce: "__CSP_NONCE__" }, injectTo: "head-prepend" }];
      },
    },
  };
}

export default defineConfig({
  plugins: [vue(), tailwindcss(), themeBeforePaint()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  define: {
    __VUE_OPTIONS_API__: false,
    __VUE_PROD_DEVTOOLS__: false,
    __VUE_I18N_LEGACY_API__: false,
    __VUE_I18N_FULL_INSTALL__: false,
    __INTLIFY_PROD_DEVTOOLS__: false,
    __INTLIFY_DROP_MESSAGE_COMPILER__: false,
  },
  html: { cspNonce: "__CSP_NONCE__" },
  build: {
    // A font inlined as data: would be refused by `font-src 'self'`.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: true,
    target: "es2022",
  },
  server: { proxy: { "/api": { target: gateway, ws: true } } },
  test: { environment: "happy-dom", include: ["tests/**/*.test.ts"], restoreMocks: true },
});
