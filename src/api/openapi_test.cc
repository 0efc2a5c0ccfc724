// The document tells of every route, and its schemas of what the routes answer.
#include "api/openapi.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <set>

#include "api/world_test.h"

namespace khronos::api {
namespace {

namespace json = boost::json;

json::object document_of(World& world) {
    const Answer answer = world.ask("GET /openapi.json");
    EXPECT_EQ(answer.status, 200);
    return answer.json().as_object();
}

TEST(OpenApi, HasEveryRouteWithItsRole) {
    World world;
    const json::object document = document_of(world);
    EXPECT_EQ(document.at("openapi"), "3.1.0");
    EXPECT_THAT(undescribed(world.front.router().routes()), testing::IsEmpty())
        << "a new route needs a line of words in openapi.cc";
    std::size_t operations = 0;
    std::set<std::string> ids;
    for (const auto& [path, item] : document.at("paths").as_object())
        for (const auto& [method, operation] : item.as_object()) {
            ++operations;
            EXPECT_TRUE(ids.insert(std::string(operation.at("operationId").as_string())).second)
                << operation.at("operationId") << " is there twice";
        }
    EXPECT_EQ(operations, world.front.router().routes().size());
    const auto& remove = document.at("paths").at("/v1/jobs/{job}").at("delete");
    EXPECT_EQ(remove.at("x-khronos-role"), "editor");
    EXPECT_EQ(remove.at("parameters").at(0).at("name"), "job");
    EXPECT_TRUE(document.at("paths").at("/livez").at("get").at("security").as_array().empty());
}

// Every key is known, and of a type that the schema allows; what is always written is there.
void expect_fits(const json::object& schema, const json::object& answer) {
    const auto& properties = schema.at("properties").as_object();
    for (const auto& [key, value] : answer) {
        const auto* property = properties.if_contains(key);
        ASSERT_TRUE(property) << key;
        const auto* type = property->as_object().if_contains("type");
        if (!type) continue;  // any JSON
        const std::string_view is = value.is_null()     ? "null"
                                    : value.is_bool()   ? "boolean"
                                    : value.is_double() ? "number"
                                    : value.is_number() ? "integer"
                                    : value.is_string() ? "string"
                                    : value.is_array()  ? "array"
                                                        : "object";
        bool fits = type->is_string() && type->as_string() == is;
        if (type->is_array())
            for (const auto& one : type->as_array())
                fits = fits || one.as_string() == is;
        EXPECT_TRUE(fits) << key << " is of type " << is << ", the schema says " << *type;
    }
    for (const auto& key : schema.at("x-always-written").as_array())
        EXPECT_TRUE(answer.contains(key.as_string())) << key;
}

TEST(OpenApi, SampleAnswersFitTheirSchemas) {
    World world;
    const json::object document = document_of(world);
    const auto& schemas = document.at("components").at("schemas");
    world.ask("POST /v1/jobs", R"({"name":"plain"})");
    world.ask("POST /v1/jobs",
              R"({"name":"full","schedule":"@daily","tags":{"a":"b"},"metadata":{"k":"v"},
                  "executor":"shell","executor_config":{"command":"true"},"retries":2,
                  "retry_delay":"5s","retry_backoff":1.5,"timeout":"1m","payload":{"x":[1]},
                  "starts_at":"2030-01-01T00:00:00Z","description":"d","misfire":"skip",
                  "processors":{"log":{"forward":"true"}},"dst":{"gap":"skip"}})");
    const json::value jobs = world.ask("GET /v1/jobs").json();
    for (const auto& job : jobs.as_array())
        expect_fits(schemas.at("Job").as_object(), job.as_object());
    for (const auto state : {core::ExecutionState::waiting, core::ExecutionState::succeeded}) {
        const auto execution = world.execution("plain", static_cast<int>(state), state);
        world.put(execution);
        const json::value shown =
            world.ask("GET /v1/executions/" + core::to_text(execution.id)).json();
        expect_fits(schemas.at("Execution").as_object(), shown.as_object());
    }
}

}  // namespace
}  // namespace khronos::api
