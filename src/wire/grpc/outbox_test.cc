#include "wire/grpc/outbox.h"

#include <gtest/gtest.h>

#include <string>

#include "khronos/worker/v1/worker.pb.h"

namespace khronos::wire {
namespace {

namespace pb = khronos::worker::v1;
using Box = Outbox<pb::ToWorker, pb::AgentFrame>;

pb::ToWorker sized(std::size_t bytes) {
    pb::ToWorker message;
    message.mutable_welcome()->set_agent(std::string(bytes, 'a'));
    return message;
}

TEST(Outbox, GathersWhatFitsIntoOneFrameInOrder) {
    Box box;
    for (std::uint64_t i = 1; i <= 100; ++i) {
        pb::ToWorker message;
        message.mutable_heartbeat_ack()->set_sequence(i);
        ASSERT_TRUE(box.push(std::move(message)));
    }
    const pb::AgentFrame frame = box.take();
    ASSERT_EQ(frame.messages_size(), 100);
    for (int i = 0; i < 100; ++i)
        EXPECT_EQ(frame.messages(i).heartbeat_ack().sequence(), static_cast<std::uint64_t>(i + 1));
    EXPECT_TRUE(box.empty());
    EXPECT_EQ(box.bytes(), 0u);
}

TEST(Outbox, SendsALargeMessageInAFrameOfItsOwn) {
    Box box;
    ASSERT_TRUE(box.push(sized(1)));
    ASSERT_TRUE(box.push(sized(limits::kWireFrameBytes + 1)));
    ASSERT_TRUE(box.push(sized(1)));
    EXPECT_EQ(box.take().messages_size(), 1);
    EXPECT_EQ(box.take().messages_size(), 1);
    EXPECT_EQ(box.take().messages_size(), 1);
    EXPECT_TRUE(box.empty());
}

TEST(Outbox, HasRoomForNoMessageThatThePeerWouldRefuse) {
    Box box;
    EXPECT_TRUE(box.push(sized(limits::kWireMessageBytes - 100)));
    EXPECT_FALSE(box.push(sized(limits::kWireMessageBytes)));
}

TEST(Outbox, IsBoundedAndHasRoomAgainWhenSomethingWasSent) {
    Box box;
    std::size_t pushed = 0;
    while (box.push(sized(1 << 20)))
        ++pushed;
    EXPECT_EQ(pushed, limits::kWireQueueBytes / (1 << 20) - 1);
    EXPECT_LE(box.bytes(), limits::kWireQueueBytes);
    box.take();
    EXPECT_TRUE(box.push(sized(1 << 20)));
}

}  // namespace
}  // namespace khronos::wire
