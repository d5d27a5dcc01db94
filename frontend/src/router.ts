import { createRouter, createWebHistory, type RouteRecordRaw } from "vue-router";

const routes: RouteRecordRaw[] = [
  { path: "/", redirect: "/convert" },
  { path: "/convert", name: "uploads", component: () => import("./features/convert/UploadsScreen.vue") },
  { path: "/convert/:id", name: "collection", component: () => import("./features/convert/CollectionScreen.vue"), props: true },
  { path: "/tables/:id", name: "table", component: () => import("./features/preview/PreviewScreen.vue"), props: true, meta: { tab: "/convert", whole: true } },
  { path: "/compare", name: "comparisons", component: () => import("./features/compare/CompareScreen.vue") },
  { path: "/compare/:id", name: "comparison", component: () => import("./features/compare/ComparisonScreen.vue"), props: true },
  { path: "/compare/:id/pairs/:pair", name: "pair", component: () => import("./features/compare/pair/PairScreen.vue"), props: true, meta: { tab: "/compare", whole: true } },
  { path: "/compare/:id/full", name: "full", component: () => import("./features/compare/full/FullScreen.vue"), props: true, meta: { tab: "/compare", whole: true, bare: true } },
  { path: "/account/password", name: "password", component: () => import("./features/account/PasswordScreen.vue") },
  { path: "/account/sessions", name: "sessions", component: () => import("./features/account/SessionsScreen.vue") },
  {
    path: "/admin",
    component: () => import("./features/admin/AdminScreen.vue"),
    children: [
      { path: "", redirect: "/admin/users" },
      { path: "users", name: "admin-users", component: () => import("./features/admin/UsersScreen.vue") },
      { path: "sessions", name: "admin-sessions", component: () => import("./features/admin/AllSessionsScreen.vue") },
    ],
  },
  { path: "/welcome", name: "welcome", component: () => import("./features/account/WelcomeScreen.vue"), meta: { open: true } },
  { path: "/:rest(.*)*", name: "nowhere", component: () => import("./features/shell/NowhereScreen.vue") },
];

export const router = createRouter({ history: createWebHistory(), routes });
