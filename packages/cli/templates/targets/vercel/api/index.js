// Vercel looks for functions in this folder before the build. `npm run build` creates the rest.
export { default } from '../dist/vercel.mjs'
