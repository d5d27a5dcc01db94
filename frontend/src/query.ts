import { QueryClient } from "@tanstack/vue-query";
import { asProblem } from "./api/problem";

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // What the server has decided stays decided; what is away may be back.
      retry: (failures, error) => failures < 2 && [0, 502, 503, 504].includes(asProblem(error).status),
    },
  },
});
