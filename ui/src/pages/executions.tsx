import { Page } from "../parts/basics";
export function Executions() { return <Page title="Runs">{null}</Page>; }
