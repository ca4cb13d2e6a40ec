import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// The server embeds what is built, and serves it at /portal/. Inlined files would need
// "data:" in its Content-Security-Policy, so nothing is inlined.
export default defineConfig({
  base: '/portal/',
  plugins: [react()],
  build: {
    outDir: '../dist/portal',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
  },
  server: { proxy: { '^/(api|login|logout|assets)': 'http://127.0.0.1:8080' } },
})
