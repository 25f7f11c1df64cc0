// The invented network carries what hosts send each other, and behaves as badly as it is told to.
#include "network.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <optional>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace tombolo::chaos {
namespace {

constexpr std::uint16_t kPort = 7777;

// Datagrams from host 1 to host 0.
class NetworkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto network = Network::make(2, 1);
    if (!network) GTEST_SKIP() << network.error().message;
    network_ = *std::move(network);
    receiver_ = Descriptor(socket_of(0));
    sender_ = Descriptor(socket_of(1));
    const sockaddr_in address = address_of(0);
    ASSERT_EQ(::bind(receiver_.number(), to_any(&address), sizeof address), 0);
  }

  int socket_of(std::size_t host) const {
    int number = -1;
    std::thread([&] {
      if (network_->enter(host)) number = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    }).join();
    return number;
  }
  static sockaddr_in address_of(std::size_t host) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(kPort);
    ::inet_pton(AF_INET, Network::address(host).c_str(), &address.sin_addr);
    return address;
  }
  static const sockaddr* to_any(const sockaddr_in* address) {
    return static_cast<const sockaddr*>(static_cast<const void*>(address));
  }
  bool send(char letter) {
    const sockaddr_in address = address_of(0);
    return ::sendto(sender_.number(), &letter, 1, 0, to_any(&address), sizeof address) == 1;
  }
  // What arrives before there is silence for `patience_ms`.
  std::string receive(std::size_t count, int patience_ms) {
    std::string text;
    while (text.size() < count) {
      pollfd source{receiver_.number(), POLLIN, 0};
      if (::poll(&source, 1, patience_ms) <= 0) break;
      char letter = 0;
      if (::recv(receiver_.number(), &letter, 1, 0) == 1) text.push_back(letter);
    }
    return text;
  }

  static constexpr int kPatience_ms = 10'000;
  static constexpr int kSilence_ms = 100;

  std::unique_ptr<Network> network_;
  Descriptor receiver_, sender_;
};

TEST_F(NetworkTest, CarriesWhatIsSent) {
  ASSERT_TRUE(send('a'));
  EXPECT_EQ(receive(1, kPatience_ms), "a");
}

TEST_F(NetworkTest, LosesWhatIsCutUntilItIsHealed) {
  network_->cut(0, true, false);
  ASSERT_TRUE(send('a'));
  EXPECT_EQ(receive(1, kSilence_ms), "");
  network_->heal();
  network_->cut(1, true, false);  // the other way
  ASSERT_TRUE(send('b'));
  EXPECT_EQ(receive(1, kPatience_ms), "b");
}

TEST_F(NetworkTest, KnowsNoWayOverALinkThatIsDown) {
  ASSERT_TRUE(network_->set_link(1, false));
  EXPECT_FALSE(send('a'));
  ASSERT_TRUE(network_->set_link(1, true));
  ASSERT_TRUE(send('b'));
  EXPECT_EQ(receive(1, kPatience_ms), "b");
}

TEST_F(NetworkTest, LosesAndDuplicatesAsTheWeatherSays) {
  network_->set_weather({.loss = 1'000});
  ASSERT_TRUE(send('a'));
  EXPECT_EQ(receive(1, kSilence_ms), "");
  network_->set_weather({.duplicate = 1'000});
  ASSERT_TRUE(send('b'));
  EXPECT_EQ(receive(2, kPatience_ms), "bb");
}

TEST_F(NetworkTest, LetsPacketsOvertakeEachOther) {
  network_->set_weather({.delay_ms = 200});
  ASSERT_TRUE(send('a'));
  // The wire takes it at once, with the weather of that moment.
  while (network_->counts().delayed == 0) std::this_thread::yield();
  network_->set_weather({});
  ASSERT_TRUE(send('b'));
  EXPECT_EQ(receive(2, kPatience_ms), "ba");
}

}  // namespace
}  // namespace tombolo::chaos
