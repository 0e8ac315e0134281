// Vercel finds its functions in this folder before anything is built; `npm run build` makes the rest.
export { default } from '../dist/vercel.mjs'
