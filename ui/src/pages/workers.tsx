import { Page } from "../parts/basics";
export function Workers() { return <Page title="Workers">{null}</Page>; }
