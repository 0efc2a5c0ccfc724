import { Page } from "../parts/basics";
export function Audit() { return <Page title="Audit">{null}</Page>; }
