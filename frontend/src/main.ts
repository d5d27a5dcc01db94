import "@fontsource/inter/400.css";
import "@fontsource/inter/500.css";
import "@fontsource/inter/600.css";
import "@fontsource/jetbrains-mono/400.css";
import "./styles.css";
import { VueQueryPlugin } from "@tanstack/vue-query";
import { createPinia } from "pinia";
import { createApp } from "vue";
import App from "./App.vue";
import { i18n } from "./i18n";
import { queries } from "./query";
import { router } from "./router";
import { session } from "./session/store";

createApp(App).use(createPinia()).use(VueQueryPlugin, { queryClient: queries }).use(i18n).use(router).mount("#app");
void session.start();
