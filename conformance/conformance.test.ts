import { suites } from './catalogue.ts'
import { runRows } from './run-rows.ts'

runRows(suites)
