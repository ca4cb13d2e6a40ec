import { defineConfig } from 'vitest/config'

export default defineConfig({
  server: { fs: { allow: ['..'] } },
  test: { testTimeout: 30_000, dir: '..', include: ['**/*.test.ts'], exclude: ['**/node_modules/**', '**/dist/**', '**/client/**', '**/portal/**'] },
})
