import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'rolldown'

/** The data that the extension reads. It is copied beside the bundle, where the program expects it. */
const dataFolders = [__dataFolders__]

// biome-ignore lint/style/noDefaultExport: Rolldown requires this form.
export default defineConfig({
  input: fileURLToPath(new URL('src/__entry__.ts', import.meta.url)),
  platform: 'node',
  // Optional for the driver.
  external: ['pg-native'],
  output: {
    dir: fileURLToPath(new URL('dist', import.meta.url)),
    entryFileNames: '[name].mjs',
    cleanDir: true,
    minify: __minify__,
  },
  plugins: [
    {
      name: 'data',
      generateBundle() {
        for (const folder of dataFolders.filter(existsSync)) {
          for (const file of readdirSync(folder)) {
            this.emitFile({ type: 'asset', fileName: `data/${file}`, source: readFileSync(new URL(file, folder)) })
          }
        }
      },
    },
  ],
})
