import { defineConfig } from 'vitest/config'

export default defineConfig({
  server: { fs: { allow: ['..'] } },
  test: { dir: '..', include: ['**/*.test.ts'], exclude: ['**/node_modules/**', '**/dist/**'] },
})
