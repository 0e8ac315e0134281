import { onEachDatabase } from './databases.cases.ts'
import { storeCases } from './store.cases.ts'

onEachDatabase('the store', storeCases)
