import js from "@eslint/js";
import vue from "eslint-plugin-vue";
import globals from "globals";
import ts from "typescript-eslint";

export default ts.config(
  { ignores: ["dist/", "node_modules/", "src/api/schema.d.ts"] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...ts.configs.stylistic,
  ...vue.configs["flat/recommended"],
  {
    files: ["**/*.{ts,vue}", "src/**/*.js"],
    languageOptions: { globals: globals.browser, parserOptions: { parser: ts.parser } },
    rules: {
      "no-console": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      // `type Load<T> = …` is a union; objects beside it read better in the same form.
      "@typescript-eslint/consistent-type-definitions": "off",
    },
  },
  {
    files: ["**/*.vue"],
    rules: {
      // The content security policy refuses style attributes: a bound object is fine, a literal is not.
      "vue/no-static-inline-styles": "error",
      "vue/no-v-html": "error",
      "vue/block-lang": ["error", { script: { lang: "ts" } }],
      "vue/block-order": ["error", { order: ["script", "template"] }],
      "vue/component-api-style": ["error", ["script-setup"]],
      "vue/define-macros-order": "error",
      "vue/html-button-has-type": "error",
      "vue/no-unused-refs": "error",
      // Layout of templates is left to the writer: one attribute a line makes short tags long.
      "vue/max-attributes-per-line": "off",
      "vue/singleline-html-element-content-newline": "off",
      "vue/multi-word-component-names": "off",
      "vue/html-self-closing": ["error", { html: { void: "always" } }],
      "vue/html-closing-bracket-newline": "off",
      "vue/html-indent": "off",
      "vue/require-default-prop": "off",
      "vue/first-attribute-linebreak": "off",
    },
  },
  { files: ["scripts/**/*.mjs", "*.config.*"], languageOptions: { globals: globals.node } },
);
