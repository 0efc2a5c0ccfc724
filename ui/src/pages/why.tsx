import { Page } from "../parts/basics";
export function WhyPage() { return <Page title="Why">{null}</Page>; }
