import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  base: "./",
  define: { "process.env": {}, global: "globalThis" },
  build: { minify: false, chunkSizeWarningLimit: 100000, outDir: "dist" },
  logLevel: "warn",
});
